"""Where everything may be caught, and where programs may be started."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CATCHES_EVERYTHING = {
    "src/adw/workflows/interpreter.py",  # the outermost frame of a workflow: a defect becomes a typed failure
    "src/adw/agents/pump.py",  # an agent's process: its SDK raises bare exceptions
    "src/adw/cli/main.py",  # the outermost frame of a command: a sentence instead of a traceback
    "src/adw/api/live/session.py",  # the sender of a socket: servers differ in what they raise for a client that left
}

STARTS_PROGRAMS = {"kit/process", "kit/git", "kit/postgres", "agents", "cli", "demo"}

BROAD = {"Exception", "BaseException"}
STARTER = re.compile(
    r"(asyncio\.create_subprocess|subprocess\.(run|Popen|call|check)|os\.(fork|exec|posix_spawn|system|popen))"
)


def test_everything_is_caught_only_at_the_outer_boundaries(root: Path, sources: list[Path]):
    found = {str(path.relative_to(root)) for path in sources if any(map(_swallows, ast.walk(_tree(path))))}
    assert found <= CATCHES_EVERYTHING


def test_programs_are_started_only_where_processes_are_watched(root: Path, sources: list[Path]):
    found = {
        str(path.relative_to(root / "src/adw"))
        for path in sources
        if any(isinstance(node, ast.Call) and STARTER.match(ast.unparse(node.func)) for node in ast.walk(_tree(path)))
    }
    assert {path for path in found if not any(path.startswith(room + "/") for room in STARTS_PROGRAMS)} == set()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _swallows(node: ast.AST) -> bool:
    """A broad handler that ends by raising again only cleans up."""
    if isinstance(node, ast.ExceptHandler):
        ends_by_raising = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        return _is_broad(node.type) and not ends_by_raising
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        return name == "suppress" and any(_is_broad(argument) for argument in node.args)
    return False


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in names)
