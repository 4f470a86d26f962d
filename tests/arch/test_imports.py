from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_every_room_imports_only_what_its_contract_allows(root: Path):
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(command), "--no-logo", "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
