"""Projects with a `Makefile`; results by exit status."""

from __future__ import annotations

import re

from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree

TIMEOUT_S = 1800.0

_TARGET = re.compile(r"^([A-Za-z0-9_-]+)\s*:(?!=)", re.MULTILINE)


def make_commands(tree: Tree) -> CommandSet:
    """The commands of a `Makefile`: its targets `setup`, `build`, `lint`, `test`, `e2e`, `run`."""
    name = tree.first("GNUmakefile", "makefile", "Makefile")
    if name is None:
        return CommandSet()
    targets = set(_TARGET.findall(tree.text(name)))

    def command(*wanted: str) -> Command | None:
        found = next((target for target in wanted if target in targets), None)
        origin = f'{name} has the target "{found}"'
        return Command(line=f"make {found}", origin=origin, timeout_s=TIMEOUT_S) if found else None

    return CommandSet(
        setup=command("setup"),
        build=command("build"),
        lint=command("lint"),
        test=command("test"),
        e2e=command("e2e"),
        run=command("run"),
    )
