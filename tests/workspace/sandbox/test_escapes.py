"""The escape suite, as the user who runs the tests and, where that is root, as one without rights too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adw.workspace.sandbox import escapes, try_to_escape
from adw.workspace.sandbox.attempts import ATTEMPTS

NOBODY = 65534
TRY = """
import asyncio, os, sys
from pathlib import Path
from adw.workspace.sandbox import try_to_escape
assert os.geteuid() != 0
found = asyncio.run(try_to_escape(dict(os.environ), folder=Path(sys.argv[1])))
assert len(found.tried) > 20
print(list(found.succeeded))
"""


async def test_nothing_gets_out(tmp_path: Path):
    found = await try_to_escape({"PATH": os.environ["PATH"]}, folder=tmp_path)
    assert found.succeeded == ()
    assert set(found.tried) == set(ATTEMPTS)


async def test_without_the_sandbox_nearly_everything_gets_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The attempts are real ones: what they tell of the sandbox is worth something only if they can succeed."""
    monkeypatch.setattr(escapes.HostContainment, "confine", lambda *_args, **_more: None)
    harmless = {"see processes outside", "reach a port of this machine", "reach a socket of this machine"}
    wanted = {
        "read a file of the data directory",
        "read another worktree",
        "change settings or hooks of git",
        *harmless,
    }
    monkeypatch.setattr(escapes.attempts, "__file__", str(_only(wanted, tmp_path)))
    found = await try_to_escape({"PATH": os.environ["PATH"]}, folder=tmp_path)
    assert wanted <= set(found.succeeded)


def test_nothing_gets_out_for_a_user_without_rights_either(nobody_s_folder: Path):
    python = _python_for_everybody()
    if os.geteuid() != 0 or python is None:
        pytest.skip("only root can become somebody else, and somebody else needs a Python it can read")
    done = subprocess.run(
        [python, "-c", TRY, str(nobody_s_folder)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(nobody_s_folder)},
        cwd=nobody_s_folder,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.fixture
def nobody_s_folder() -> Iterator[Path]:
    folder = Path(f"/var/tmp/adw-escapes-{os.getpid()}")
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def _only(wanted: set[str], folder: Path) -> Path:
    """The attempts without those that would do harm where nothing stops them."""
    text = Path(escapes.attempts.__file__).read_text()
    chosen = f"ATTEMPTS = {{name: each for name, each in ATTEMPTS.items() if name in {wanted!r}}}\n\n\ndef main("
    copy = folder / "attempts.py"
    copy.write_text(text.replace("def main(", chosen, 1))
    return copy


def _python_for_everybody() -> str | None:
    """A Python of the version our packages are installed for, which does not lie in somebody's home."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [os.path.realpath(sys.executable), shutil.which(name, path="/usr/local/bin:/usr/bin")]
    return next((each for each in candidates if each is not None and _is_open(Path(each))), None)


def _is_open(program: Path) -> bool:
    return program.is_file() and all(folder.stat().st_mode & 0o001 for folder in program.resolve().parents)
