"""How errors look: `error: what happened`, `hint: what to do next`, on standard error."""

from __future__ import annotations

import os
import re
import sys
import traceback

import typer

from adw.kit.errors import AdwError, ExitCode, UsageError

_SUGGESTIONS = re.compile(r"\s*(?:Did you mean |\(Possible options: )(?P<names>.+?)(?:\?|\))?$")
_NOISE = "Value error, "


def report_error(error: AdwError) -> int:
    """Tells an error raised on purpose and returns its exit code."""
    _maybe_traceback(error)
    _say(f"{error.message} [{error.code}]", error.hint)
    return error.exit_code


def report_usage_error(error: typer.TyperException) -> int:
    """Tells what was wrong with the command's words, with the nearest right one."""
    _maybe_traceback(error)
    text = str(getattr(error, "format_message", error.__str__)())
    found = _SUGGESTIONS.search(text)
    what = _plain(text[: found.start()] if found else text)
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "adw"
    help_line = f"see `{command} --help`"
    _say(f"{what} [{UsageError.code}]", f"did you mean {found['names']}? {help_line}" if found else help_line)
    return int(getattr(error, "exit_code", ExitCode.USAGE))


def report_internal_error(error: Exception) -> int:
    """Tells an error nobody foresaw."""
    shown = _maybe_traceback(error)
    hint = None if shown else "run the command again with ADW_DEBUG=1 to see where it happened"
    _say(f"internal: {type(error).__name__}: {error}", hint)
    return ExitCode.FAILED


def _plain(text: str) -> str:
    text = text.replace(_NOISE, "").strip().rstrip(".").strip()
    return text[:1].lower() + text[1:]


def _maybe_traceback(error: Exception) -> bool:
    wanted = os.environ.get("ADW_DEBUG", "") not in {"", "0"}
    if wanted:
        traceback.print_exception(error)
    return wanted


def _say(what: str, hint: str | None) -> None:
    red, cyan, off = ("\033[1;31m", "\033[1;36m", "\033[0m") if _coloured() else ("", "", "")
    print(f"{red}error:{off} {what}", file=sys.stderr)
    if hint:
        print(f"{cyan}hint:{off} {hint}", file=sys.stderr)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
