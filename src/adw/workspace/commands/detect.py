"""Finds out how a project is set up, built, linted and tested: as configured, else as its files suggest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adw.domain.config import CommandEntry, CommandsConfig
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.golang import go_commands
from adw.workspace.commands.gradle import gradle_commands
from adw.workspace.commands.make import make_commands
from adw.workspace.commands.maven import maven_commands
from adw.workspace.commands.node import node_commands
from adw.workspace.commands.python import python_commands
from adw.workspace.commands.rust import rust_commands
from adw.workspace.commands.tree import Tree

SLOTS = ("setup", "build", "lint", "test", "e2e", "run")


def choose_commands(tree: Tree, config: CommandsConfig, *, has_uv: bool, has_nextest: bool = False) -> CommandSet:
    """The commands of a project. What is configured wins, `false` means none, the rest is detected."""
    ecosystems = [
        python_commands(tree, has_uv=has_uv),
        node_commands(tree),
        rust_commands(tree, has_nextest=has_nextest),
        go_commands(tree),
        maven_commands(tree),
        gradle_commands(tree),
    ]
    found = _merge(ecosystems, make_commands(tree))
    entries = {slot: entry for slot in SLOTS if (entry := getattr(config, slot)) is not None}
    return replace(found, **{slot: _configured(slot, entry) for slot, entry in entries.items()})


def _merge(ecosystems: Sequence[CommandSet], make: CommandSet) -> CommandSet:
    """For each slot the first ecosystem that has it, before make; every ecosystem in use is set up."""
    chosen = {slot: _first(slot, [*ecosystems, make]) for slot in SLOTS[1:]}
    return CommandSet(setup=_joined([found.setup for found in ecosystems]) or make.setup, **chosen)


def _first(slot: str, sets: Sequence[CommandSet]) -> Command | None:
    return next((command for found in sets if (command := getattr(found, slot)) is not None), None)


def _joined(setups: Sequence[Command | None]) -> Command | None:
    present = [setup for setup in setups if setup is not None]
    if len(present) < 2:  # noqa: PLR2004 - nothing to join
        return present[0] if present else None
    return Command(
        line=" && ".join(setup.line for setup in present),
        origin="; ".join(setup.origin for setup in present),
        timeout_s=sum(setup.timeout_s for setup in present),
    )


def _configured(slot: str, entry: CommandEntry) -> Command | None:
    if not entry.enabled:
        return None
    return Command(
        line=entry.run,
        origin=f"[commands] {slot} in adw.toml",
        timeout_s=entry.timeout_s,
        cwd=entry.cwd,
        format=entry.report_format,
        report=entry.junit or ("{report}" if "{report}" in entry.run else None),
        rerun=entry.rerun,
    )
