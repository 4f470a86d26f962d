"""The entry of the command line: runs one command and turns whatever it raises into an exit code and two lines.

Nothing heavy is imported here or in the command modules' top levels: `adw --help` must answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from adw.cli.app import app
from adw.cli.commands.completion import VARIABLE, prepare_completion
from adw.cli.errors import report_error, report_internal_error, report_usage_error
from adw.kit.errors import AdwError, ExitCode

sys.modules["httpx._main"] = None  # type: ignore[assignment] # its own command line costs a quarter of our start


def main() -> None:
    """What the `adw` program does."""
    code = run(sys.argv[1:])
    _flush()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command to its end and returns its exit code; errors are told on standard error."""
    if VARIABLE in os.environ:
        prepare_completion()
    try:
        result = app(args=list(arguments), prog_name="adw", standalone_mode=False)
    except AdwError as error:
        return report_error(error)
    except typer.TyperException as error:
        return report_usage_error(error)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost frame: a person gets a sentence, not a traceback
        return report_internal_error(error)
    return result if isinstance(result, int) else ExitCode.OK


def _flush() -> None:
    """A reader that went away, as in `adw ls | head -1`, is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
