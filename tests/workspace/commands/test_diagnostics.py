from __future__ import annotations

from pathlib import Path

import pytest

from adw.workspace.commands.diagnostics import find_diagnostics

ROOT = Path("/project")


def found(output: str) -> list[str]:
    return [str(diagnostic) for diagnostic in find_diagnostics(output, root=ROOT)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("src/a.py:3:7: F401 `os` imported but unused", "src/a.py: F401 `os` imported but unused"),
        ("./a.go:3:2: undefined: x", "a.go: undefined: x"),
        ("a.py:12: error: Incompatible types  [misc]", "a.py: error: Incompatible types [misc]"),
        ("src/a.ts(3,7): error TS2322: no", "src/a.ts: error TS2322: no"),
        ("src/a.ts:3:7 - error TS2322: no", "src/a.ts: error TS2322: no"),
        ("/project/src/a.c:3:7: error: no", "src/a.c: error: no"),
        ("\x1b[1msrc/a.py\x1b[0m:3:7: E1 no", "src/a.py: E1 no"),
    ],
)
def test_a_complaint_is_path_and_message_without_numbers_of_lines(line: str, expected: str):
    assert found(f"checking\n{line}\nFound 1 error.\n") == [expected]


def test_complaints_below_a_path_belong_to_it():
    output = "\n/project/src/a.js\n  3:7  error  'x' is unused  no-unused-vars\n\nsrc/b.js\n  1:1  error  no\n"
    assert found(output) == ["src/a.js: error 'x' is unused no-unused-vars", "src/b.js: error no"]


def test_where_nothing_looks_like_a_complaint_every_line_counts_without_its_numbers():
    assert found("step 3 took 1.25 s\n\nfailed in /project/x\n") == ["step N took N s", "failed in ./x"]


def test_output_of_any_length_is_read_quickly():
    assert len(find_diagnostics("a.b" * 500_000 + "\n" + "a.py:1: x\n" * 10_000, root=ROOT)) == 2_000
