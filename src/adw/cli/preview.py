"""What an order would become, for a person: the resolved plan, and what speaks for and against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw.cli.output import dollars, print_fields, print_table
from adw.kit import errors
from adw.kit.errors import AdwError, ExitCode

if TYPE_CHECKING:
    from adw.client.types import CommandsDict, FindingDict, PreviewDict


def print_preview(preview: PreviewDict) -> None:
    """The plan first, then every check."""
    budget = preview["budgetUsd"]
    print_fields(
        {
            "workflow": "new" if preview["adwId"] is None else f"{preview['adwId']} goes on",
            "kind": preview["workflowType"],
            "phases": ", ".join(preview["phases"]),
            "base": f"{preview['baseBranch']} at {preview['baseSha'][:12]}",
            "models": ", ".join(f"{role} {model}" for role, model in preview["models"].items()) or "none",
            "budget": "no limit" if budget is None else dollars(budget),
            **_commands(preview["commands"]),
        }
    )
    print()
    print_table(("CHECK", "RESULT", "FINDING"), [_row(each) for each in preview["findings"]], empty="no checks")
    for note in preview["notes"]:
        print(f"note: {note}")


def exit_code_for(code: str) -> int:
    """What the command would have ended with."""
    members: list[object] = list(vars(errors).values())
    kinds = [kind for kind in members if isinstance(kind, type) and issubclass(kind, AdwError) and kind.code == code]
    return kinds[0].exit_code if kinds else ExitCode.FAILED


def _commands(commands: CommandsDict | None) -> dict[str, str]:
    if commands is None:
        return {}
    found = {
        "setup": commands["setup"],
        "build": commands["build"],
        "lint": commands["lint"],
        "test": commands["test"],
        "e2e": commands["e2e"],
    }
    return {name: command["line"] for name, command in found.items() if command is not None}


def _row(finding: FindingDict) -> tuple[str, str, str]:
    if finding["code"] is not None:
        return (
            finding["check"],
            f"refused [{finding['code']}]",
            f"{finding['message']}; {finding['hint'] or ''}".strip("; "),
        )
    return finding["check"], "note" if finding["isNote"] else "ok", finding["message"]
