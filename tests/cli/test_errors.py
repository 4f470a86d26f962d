from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from adw.cli.errors import report_error, report_internal_error
from adw.kit import errors
from adw.kit.errors import AdwError, ExitCode

Run = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Refused:
    words: tuple[str, ...]
    code: ExitCode
    error: str
    hint: str

    def __str__(self) -> str:
        return " ".join(self.words) or "nothing"


REFUSED = (
    Refused(("rnu",), ExitCode.USAGE, "no such command 'rnu' [usage]", "did you mean 'run'? see `adw --help`"),
    Refused(("run",), ExitCode.USAGE, "say what to do: an issue's number or a sentence [usage]", "for example `adw"),
    Refused(
        ("run", "-w", "test"), ExitCode.USAGE, "`test` alone is done on earlier work", "add `--on` with a workflow"
    ),
    Refused(("run", "x", "-w", "sdlc", "--on", "y"), ExitCode.USAGE, "`--on` goes with a single phase", "leave `--on`"),
    Refused(
        ("run", "x", "--josn"),
        ExitCode.USAGE,
        "no such option: --josn [usage]",
        "did you mean --json, --on? see `adw run",
    ),
    Refused(("workflow",), ExitCode.USAGE, "missing command [usage]", "see `adw workflow --help`"),
    Refused(("workflow", "shwo"), ExitCode.USAGE, "no such command 'shwo' [usage]", "did you mean 'show'?"),
    Refused(("pr", "show", "x"), ExitCode.USAGE, "invalid value for 'NUMBER'", "see `adw pr show --help`"),
    Refused(("serve", "--port", "70000"), ExitCode.USAGE, "invalid value for '--port'", "see `adw serve --help`"),
    Refused(("serve", "--server", "apache"), ExitCode.USAGE, "'apache' is not one of", "see `adw serve --help`"),
    Refused(("run", "x"), ExitCode.USAGE, "no credential for the model API", "export ANTHROPIC_API_KEY="),
    Refused(("run", ""), ExitCode.USAGE, "say what to do: an issue's number or a sentence [usage]", "for example `adw"),
    Refused(("run", "x", "--budget", "much"), ExitCode.USAGE, "'much' is not an amount of US dollars", "`--budget 2.5"),
    Refused(("run", "x", "--budget", "-1"), ExitCode.USAGE, "'-1' is not an amount of US dollars", "`--budget 2.50`"),
    Refused(("run", "x", "--model-set", "big"), ExitCode.USAGE, "'big' is not one of", "see `adw run --help`"),
    Refused(("config", "get", "PROT"), ExitCode.NOT_FOUND, "there is no setting 'PROT' [not_found]", "mean PORT?"),
    Refused(
        ("--env-file", "/nowhere/.env", "config", "list"),
        ExitCode.USAGE,
        "there is no file /nowhere/.env [configuration]",
        "check the path given to --env-file",
    ),
    Refused(
        ("serve", "--host", "0.0.0.0"),
        ExitCode.USAGE,
        "0.0.0.0 can be reached from other machines, and no ADW_API_TOKEN is set [configuration]",
        "set one, for example ADW_API_TOKEN=",
    ),
    Refused(("model-server", "--scenario", "nope"), ExitCode.NOT_FOUND, "there is no scenario called 'nope'", "demo"),
    Refused(
        ("model-server", "--scenario", "demo", "--host", "8.8.8.8"), ExitCode.USAGE, "loopback addresses only", "--host"
    ),
    Refused(("db", "restore", "x"), ExitCode.USAGE, "this replaces everything in the database [usage]", "add --yes"),
    Refused(("db", "restore", "/nowhere", "--yes"), ExitCode.NOT_FOUND, "there is no file /nowhere", "adw db backup"),
    Refused(("db", "backup", "/dev/null"), ExitCode.CONFLICT, "/dev/null exists [conflict]", "add --force"),
    Refused(("completion", "tcsh"), ExitCode.USAGE, "'tcsh' is not one of", "see `adw completion --help`"),
    Refused(
        ("pr", "review", "1", "--approve", "--request-changes"), ExitCode.USAGE, "exclude each other", "give one of"
    ),
    Refused(("pr", "review", "1"), ExitCode.USAGE, "say what you found [usage]", 'add --body "..."'),
)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_refusal_has_an_exit_code_a_reason_and_a_next_step_and_prints_no_data(
    case: Refused, in_process: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code = in_process(case.words)

    out, err = capsys.readouterr()
    assert code == case.code
    assert out == ""
    error, _, hint = err.partition("\nhint: ")
    assert error.startswith("error: ")
    assert case.error in error
    assert case.hint in hint


def test_bad_settings_are_told_all_at_once(
    in_process: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("LOG_LEVEL", "loud")

    code = in_process(["serve"])

    err = capsys.readouterr().err
    assert code == ExitCode.USAGE
    assert "PORT: must be a whole number, for example PORT=8003" in err
    assert "LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace" in err


@pytest.mark.parametrize("kind", sorted(errors.AdwError.__subclasses__(), key=lambda kind: kind.__name__))
def test_every_error_of_ours_ends_with_its_own_exit_code(
    kind: type[AdwError], capsys: pytest.CaptureFixture[str]
) -> None:
    code = report_error(kind("something", hint="do this"))

    assert code == kind.exit_code
    assert capsys.readouterr().err == f"error: something [{kind.code}]\nhint: do this\n"


def test_an_unforeseen_error_is_a_sentence_and_with_debug_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADW_DEBUG", raising=False)
    failure = ZeroDivisionError("division by zero")

    assert report_internal_error(failure) == ExitCode.FAILED
    plain = capsys.readouterr().err
    monkeypatch.setenv("ADW_DEBUG", "1")
    assert report_internal_error(failure) == ExitCode.FAILED

    assert plain.splitlines() == [
        "error: internal: ZeroDivisionError: division by zero",
        "hint: run the command again with ADW_DEBUG=1 to see where it happened",
    ]
    assert "Traceback" not in plain
    assert capsys.readouterr().err.splitlines()[-1] == "error: internal: ZeroDivisionError: division by zero"


def test_colour_is_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    from adw.cli.output import wants_colour

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())
