"""Go projects: a module, or a workspace of several."""

from __future__ import annotations

import re

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree

SETUP_TIMEOUT_S = 1200.0
TEST_TIMEOUT_S = 1800.0
CHECK_TIMEOUT_S = 900.0

_USE = re.compile(r"^\s*use\s+(?:\(([^)]*)\)|(\S+))", re.MULTILINE)
_COMMENT = re.compile(r"//.*")
_PLAIN_FOLDER = re.compile(r"\.?[\w./-]*")


def go_commands(tree: Tree) -> CommandSet:
    """The commands of a Go project; empty when it has neither `go.mod` nor `go.work`."""
    marker = tree.first("go.work", "go.mod")
    if marker is None:
        return CommandSet()
    packages = _packages(tree) if marker == "go.work" else "./..."
    # The cache is left out of account: a result must be of this run.
    line = f"go test -count=1 {{report_args}} {packages}"
    return CommandSet(
        setup=_setup(tree, marker),
        build=Command(line=f"go build -o /dev/null {packages}", origin=marker, timeout_s=CHECK_TIMEOUT_S),
        lint=Command(line=f"go vet {packages}", origin=marker, timeout_s=CHECK_TIMEOUT_S),
        test=Command(
            line=line,
            origin=marker,
            timeout_s=TEST_TIMEOUT_S,
            format=ReportFormat.GO_JSON,
            report="{report}",
            report_args="-json > {report}",
            rerun="go test -count=1 {report_args} {file} -run {go}",
        ),
    )


def _setup(tree: Tree, marker: str) -> Command | None:
    """Downloads the modules that are used, unless the project carries them along."""
    if tree.first("go.sum", "go.work.sum") is None:
        return None
    return Command(line="test -d vendor || go mod download", origin=marker, timeout_s=SETUP_TIMEOUT_S)


def _packages(tree: Tree) -> str:
    """The packages of all modules of a workspace: `./...` does not reach from one module into another."""
    text = _COMMENT.sub("", tree.text("go.work"))
    folders = [folder for match in _USE.finditer(text) for folder in (match[1] or match[2]).split()]
    plain = [folder.strip("\"'").removeprefix("./").rstrip("/") for folder in folders]
    found = [folder for folder in plain if _PLAIN_FOLDER.fullmatch(folder) and ".." not in folder]
    return " ".join("./..." if folder in {"", "."} else f"./{folder}/..." for folder in found) or "./..."
