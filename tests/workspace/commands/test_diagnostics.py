from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.commands.recordings import recorded

from adw.workspace.commands.diagnostics import find_diagnostics

ROOT = Path("/project")
SUM = "core/src/main/java/org/sample/Sum.java"


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
        ("vet: a/b_test.go:6:5: undefined: Halve", "a/b_test.go: undefined: Halve"),
        ("[ERROR] /project/src/A.java:[5,17] cannot find symbol", "src/A.java: cannot find symbol"),
        ("e: file:///project/src/A.kt:3:5 Unresolved reference: x", "src/A.kt: Unresolved reference: x"),
        ("e: /project/src/A.kt: (3, 5): Unresolved reference: x", "src/A.kt: Unresolved reference: x"),
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


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("cargo/build.txt", ["calc/src/lib.rs: error[E0425]: cannot find value `c` in this scope"]),
        (
            "cargo/clippy.txt",
            [
                "calc/src/lib.rs: warning: unused variable: `unused`",
                "calc/src/lib.rs: warning: incorrect NaN comparison, NaN cannot be directly compared to itself",
            ],
        ),
        (
            "go/build-1.27.3.txt",
            ['calc/wrong.go: cannot use "text" (untyped string constant) as int value in variable declaration'],
        ),
        (
            "go/vet-1.21.13.txt",
            [
                "broken/broken_test.go: undefined: Halve",
                'vetted/vetted_test.go: fmt.Printf format %d has arg "text" of wrong type string',
            ],
        ),
        (
            "maven/build.txt",
            [
                f"{SUM}: incompatible types: java.lang.String cannot be converted to int",
                f"{SUM}: cannot find symbol",
            ],
        ),
        (
            "gradle/build.txt",
            [
                f"{SUM}: error: incompatible types: String cannot be converted to int",
                f"{SUM}: error: cannot find symbol",
            ],
        ),
    ],
)
def test_the_complaints_of_compilers_are_found_once_with_their_files(path: str, expected: list[str]):
    assert [str(diagnostic) for diagnostic in find_diagnostics(recorded(path), root=ROOT)] == expected


def test_an_error_of_rust_without_a_place_is_no_complaint_beside_those_that_have_one():
    output = "error: linking with `cc` failed\n\nerror[E1]: no\n --> src/a.rs:1:2\nerror: aborting due to 2 errors\n"
    assert found(output) == ["src/a.rs: error[E1]: no"]


def test_a_project_in_a_folder_with_spaces_is_known_by_its_files():
    output = "[ERROR] /my project/src/A.java:[5,17] no\n/my project/src/B.java:3: error: no\n"
    places = [diagnostic.path for diagnostic in find_diagnostics(output, root=Path("/my project"))]
    assert places == ["src/A.java", "src/B.java"]
