from __future__ import annotations

from pathlib import Path

import claude_agent_sdk
import pytest

from adw.agents.cli import find_cli
from adw.kit.errors import ConfigurationError


def test_the_bundled_cli_comes_first():
    assert find_cli().parent.name == "_bundled"


def test_without_it_the_one_on_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(claude_agent_sdk, "__file__", str(tmp_path / "sdk" / "__init__.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_cli() == program


def test_without_any_the_person_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(claude_agent_sdk, "__file__", str(tmp_path / "sdk" / "__init__.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        find_cli()
    assert caught.value.hint is not None
