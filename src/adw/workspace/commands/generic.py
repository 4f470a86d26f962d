"""Projects in other languages, by the tool their files name; results by exit status unless the tool reports."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree

TIMEOUT_S = 1800.0

_TARGET = re.compile(r"^([A-Za-z0-9_-]+)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    marker: str
    build: str
    test: str
    report: str | None = None


_TOOLS = (
    _Tool(marker="Cargo.toml", build="cargo build --quiet", test="cargo test"),
    _Tool(marker="go.mod", build="go build ./...", test="go test ./..."),
    _Tool(
        marker="pom.xml", build="mvn -B -q compile", test="mvn -B test", report="**/target/surefire-reports/TEST-*.xml"
    ),
    _Tool(
        marker="build.gradle",
        build="{gradle} --console=plain classes",
        test="{gradle} --console=plain test",
        report="**/build/test-results/test/TEST-*.xml",
    ),
)


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


def other_commands(tree: Tree) -> CommandSet:
    """The commands of a Rust, Go, Maven or Gradle project; empty when it is none of them."""
    present = {*tree.files, *(["build.gradle"] if tree.has("build.gradle.kts") else [])}
    tool = next((tool for tool in _TOOLS if tool.marker in present), None)
    if tool is None:
        return CommandSet()
    gradle = "./gradlew" if tree.has("gradlew") else "gradle"
    return CommandSet(
        build=Command(line=tool.build.replace("{gradle}", gradle), origin=tool.marker, timeout_s=TIMEOUT_S),
        test=Command(
            line=tool.test.replace("{gradle}", gradle),
            origin=tool.marker,
            timeout_s=TIMEOUT_S,
            format=ReportFormat.JUNIT if tool.report else ReportFormat.EXIT_CODE,
            report=tool.report,
        ),
    )
