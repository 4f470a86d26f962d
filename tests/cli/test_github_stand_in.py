from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx

from adw.kit.errors import ExitCode


def test_it_serves_what_it_says_until_it_is_told_to_end(adw, tmp_path: Path) -> None:
    process = adw.start(
        "github-stand-in", "--json", "--folder", str(tmp_path / "github"), "--webhook", "http://127.0.0.1:9/"
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    headers = {"authorization": f"Bearer {said['tokens']['adw']}"}
    with httpx.Client(headers=headers, trust_env=False, verify=False) as client:
        issues = client.get(f"{said['apiUrl']}/repos/you/sandbox/issues").json()
        assert client.get(f"{said['repositories']['you/sandbox']}/info/refs?service=git-upload-pack").is_success
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert [issue["number"] for issue in issues] == [1]
    assert process.returncode == ExitCode.OK


def test_it_says_what_to_export(adw) -> None:
    process = adw.start("github-stand-in", "--until-eof")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(7)]
    process.communicate(input="", timeout=30)

    assert "in memory" in lines[0]
    assert "GITHUB_API_URL=http://127.0.0.1:" in lines[5]
    assert lines[6].startswith("  export GITHUB_TOKEN=ghp_")
