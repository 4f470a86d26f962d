"""`adw doctor`: is everything here that work needs?"""

from __future__ import annotations

import typer

from adw.cli.invocation import current_settings
from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table, say
from adw.kit.errors import ExitCode


def doctor(*, as_json: JsonFlag = False) -> None:
    """Look for what is missing.

    Exit code 1 when something that work needs is missing; a warning alone is no failure.
    """
    from adw.cli.diagnosis import diagnose

    findings = diagnose(current_settings())
    broken = [finding for finding in findings if finding.state == "missing"]
    if as_json:
        print_json({"ok": not broken, "checks": [finding.as_json() for finding in findings]})
    else:
        rows = [(finding.state, finding.name, finding.detail) for finding in findings]
        print_table(("STATE", "CHECK", "FOUND"), rows, empty="")
        for finding in findings:
            if finding.hint:
                say(f"hint: {finding.name}: {finding.hint}")
    raise typer.Exit(ExitCode.FAILED if broken else ExitCode.OK)
