from __future__ import annotations

import ast
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60


def test_no_file_is_longer_than_four_hundred_lines(root: Path, sources: list[Path]):
    tests = sorted((root / "tests").rglob("*.py"))
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in (*sources, *tests)}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_sixty_lines(root: Path, sources: list[Path]):
    found = {
        f"{path.relative_to(root)}:{node.lineno} {node.name}": lines
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert found == {}
