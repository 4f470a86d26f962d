from __future__ import annotations

import json
import subprocess
import sys

import pytest

import adw as package
from adw.kit.errors import ExitCode

HEAVY = ("sqlalchemy", "dbos", "claude_agent_sdk", "httpx", "pydantic", "fastapi", "rich", "asyncio", "psycopg")


def test_the_entry_loads_nothing_heavy_so_that_help_is_quick() -> None:
    program = f"import sys, adw.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_program_tells_its_version(adw) -> None:
    done = adw("--version")

    assert (done.returncode, done.stdout) == (ExitCode.OK, f"adw {package.__version__}\n")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]], ids=["bare", "help", "h"])
def test_help_begins_with_examples(words: list[str], in_process, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process(words) == ExitCode.OK

    examples, _, commands = capsys.readouterr().out.partition("Commands:")
    assert "adw demo" in examples
    assert "workflow" in commands


def test_colour_never_reaches_a_pipe(adw) -> None:
    refused = adw("config", "get", "nothing")

    assert "\033" not in refused.stderr


def test_a_reader_that_goes_away_is_no_error(adw) -> None:
    program = f"{sys.executable} -m adw.cli.main config list | true; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", program], env=adw.env, capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_interrupting_ends_with_130(adw) -> None:
    import signal

    process = adw.start("model-server", "--scenario", "demo", "--json")
    assert process.stdout is not None
    announced = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert announced["url"].startswith("http://127.0.0.1:")
    assert process.returncode in {ExitCode.OK, ExitCode.INTERRUPTED}


def test_a_model_server_bound_to_its_parent_ends_with_it(adw) -> None:
    process = adw.start("model-server", "--scenario", "demo", "--json", "--until-eof")
    assert process.stdout is not None
    process.stdout.readline()

    process.communicate(input="", timeout=30)

    assert process.returncode is not None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_completion_script(
    shell: str, in_process, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_ADW_COMPLETE", "restored afterwards")
    monkeypatch.delenv("_ADW_COMPLETE")

    assert in_process(["completion", shell]) == ExitCode.OK

    assert "_ADW_COMPLETE" in capsys.readouterr().out


def test_a_shell_completes_commands(
    in_process, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_ADW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "adw workflow s")
    monkeypatch.setenv("COMP_CWORD", "2")

    in_process([])

    assert capsys.readouterr().out.split() == ["show"]
