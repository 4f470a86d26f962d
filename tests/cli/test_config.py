from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adw.kit.variables import VARIABLES

Run = Callable[[Sequence[str]], int]


def test_all_settings_are_listed_with_where_they_come_from_and_no_secret(
    in_process: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    file.write_text("PORT=9999\nANTHROPIC_API_KEY=sk-from-file\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@127.0.0.1/adw")

    assert in_process(["--env-file", str(file), "config", "list", "--json"]) == 0
    out = capsys.readouterr().out
    found = {each["name"]: each for each in json.loads(out)}

    assert set(found) == {variable.name for variable in VARIABLES}
    assert (found["PORT"]["value"], found["PORT"]["origin"]) == (9999, str(file))
    assert found["DATABASE_URL"]["origin"] == "environment"
    assert found["HOST"] | {"about": ""} == {"name": "HOST", "value": "127.0.0.1", "origin": "default", "about": ""}
    assert "hidden" not in out
    assert "sk-from-file" not in out


@pytest.mark.parametrize("flags", [[], ["--origin"]], ids=["plain", "origin"])
def test_the_list_is_a_table_with_one_line_for_each_setting(
    flags: list[str], in_process: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(["config", "list", *flags]) == 0

    assert len(capsys.readouterr().out.splitlines()) == len(VARIABLES) + 1


def test_one_setting_can_be_asked_for(
    in_process: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")

    assert in_process(["config", "get", "port"]) == 0
    assert capsys.readouterr().out == "8003\n"
    assert in_process(["config", "get", "GITHUB_TOKEN"]) == 0
    assert capsys.readouterr().out == "****\n"
    assert in_process(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dataDir": str(tmp_path / "data")}
