"""Writes the pages of `docs/reference/` that describe code, from that code. `--check` only says which are outdated."""

# ruff: noqa: INP001, T201 - a script beside the pages it writes

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import facts
from typer.main import get_command

from adw.cli.app import app
from adw.kit.errors import ExitCode

REFERENCE = Path(__file__).parent / "reference"

_MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done; of `adw run --wait` and `adw demo`: completed",
    ExitCode.FAILED: "failed, or the workflow failed or was cancelled",
    ExitCode.USAGE: "the command or a setting cannot be used as given",
    ExitCode.NOT_FOUND: "there is no such workflow, issue, file, ...",
    ExitCode.AUTH: "the server wants another token",
    ExitCode.UNREACHABLE: "the server does not answer",
    ExitCode.WAITING: "the workflow waits for a person; the command to answer is printed",
    ExitCode.CONFLICT: "the present state forbids it: a port or a name is taken, a server has other settings, ...",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
}

_HEAD = """# Command line

Written from the code by `docs/generate.py`; change the commands, not this page.

Every command that prints data takes `--json` and then prints exactly one JSON document on standard output (one event a
line for `adw logs --follow`); everything said to a person goes to standard error. Ids may be shortened to a unique
beginning. An error is told as `error: what [code]` and `hint: what to do next`; `ADW_DEBUG=1` adds where it happened.
Colour appears on terminals only, and never with `NO_COLOR`.

Commands that talk to the server use the one of the data directory (`ADW_DATA_DIR`) and start it in the background if
none runs. A background server ends itself after ten minutes without work. A server that was started with another
`DATABASE_URL` or other `ANTHROPIC_*` settings is not used: the command ends with code 7 and says which differ.
"""


def main() -> int:
    """Writes what is outdated, or with `--check` names it and returns 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    outdated = [path for path, render in PAGES.items() if not _is_current(path, render())]
    for path in outdated:
        print(f"{'outdated' if check else 'written'}: {path}")
        if not check:
            path.write_text(PAGES[path](), encoding="utf-8")
    return 1 if check and outdated else 0


def render_cli() -> str:
    """The page of all commands."""
    lines = [_HEAD, "## Exit codes\n", "| code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {_MEANINGS[code]} |" for code in ExitCode]
    for words, command in _commands(get_command(app), ("adw",)):
        lines += ["", *_describe(words, command)]
    return "\n".join(lines) + "\n"


PAGES: Mapping[Path, Callable[[], str]] = {REFERENCE / "cli.md": render_cli, **facts.PAGES}


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, (*words, name))


def _describe(words: tuple[str, ...], command: Any) -> list[str]:
    with command.make_context(" ".join(words), [], resilient_parsing=True) as context:
        usage = " ".join(command.collect_usage_pieces(context))
        records = [record for param in command.params if (record := param.get_help_record(context)) is not None]
    text = (command.help or "").replace("\b\n", "").strip()
    title = "`" + " ".join(words) + "`"
    lines = [f"{'##' if len(words) <= 2 else '###'} {title}", "", f"    {' '.join(words)} {usage}", ""]  # noqa: PLR2004 - `adw` and one word more
    lines += ["```text", text, "```"] if len(words) == 1 else [text]
    if records:
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(about)} |" for name, about in records]
    return lines


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
