"""Gradle projects, one module or many, with the wrapper where the project has one."""

from __future__ import annotations

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree

TIMEOUT_S = 1800.0

_MARKERS = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_OPTIONS = "--no-daemon --console=plain"
# Neither an earlier run's results nor those of another machine: they would not be of this run.
_AFRESH = "--continue --no-build-cache"
_ANDROID = "com.android"


def gradle_commands(tree: Tree) -> CommandSet:
    """The commands of a Gradle project; empty when it has no build or settings file."""
    marker = tree.first(*_MARKERS)
    if marker is None:
        return CommandSet()
    gradle = f"{'./gradlew' if tree.has('gradlew') else 'gradle'} {_OPTIONS}"
    # On Android `test` stands for the tests of every variant, and there is no one task that forgets their results.
    android = any(_ANDROID in tree.text(path) for path in _MARKERS)
    line = f"{gradle} {_AFRESH} {'--rerun-tasks test' if android else 'cleanTest test'}"
    return CommandSet(
        build=Command(
            line=f"{gradle} --continue {'assemble' if android else 'classes'}", origin=marker, timeout_s=TIMEOUT_S
        ),
        test=Command(
            line=line,
            origin=marker,
            timeout_s=TIMEOUT_S,
            format=ReportFormat.GRADLE,
            report="**/build/test-results/test*/TEST-*.xml",
            rerun=None if android else f"{line} --tests {{gradle}}",
        ),
    )
