"""What the text of this repository does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

UNFINISHED = re.compile(
    r"\b(TODO|FIXME|XXX)\b|\b(?i:placeholder|not implemented|coming soon|lorem ipsum|stubbed|dummy implementation)\b"
)
ALLOWED_UNFINISHED = {
    "CONTRIBUTING.md",  # states the rule
}
ONE_MACHINE = re.compile(
    r"(?<![\w.<>*}/-])/(work|root|Users|home/(?!person\b)\w+)/|/tmp/(?!\w*x\b)[a-z]+/|(?<![\w/])[A-Z]:\\\\"
)
FOLDERS = ("src", "docs", "tests", "benchmarks", "requirements", ".ci", ".github")
SUFFIXES = {".py", ".md", ".toml", ".txt", ".sample", ".yaml", ".yml", ".json", ".in", ".mako", ""}


def test_nothing_is_announced_instead_of_done(root: Path):
    found = [
        f"{path}:{number} {line.strip()}"
        for path, number, line in _lines(root)
        if not path.startswith("tests/") and path not in ALLOWED_UNFINISHED and UNFINISHED.search(line)
    ]
    assert found == []


def test_no_path_of_one_machine_is_mentioned(root: Path):
    found = [f"{path}:{number} {line.strip()}" for path, number, line in _lines(root) if ONE_MACHINE.search(line)]
    assert found == []


def _lines(root: Path) -> Iterator[tuple[str, int, str]]:
    inside = [path for folder in FOLDERS for path in (root / folder).rglob("*")]
    for path in sorted([*inside, *root.iterdir()]):
        if path.is_file() and path.suffix in SUFFIXES and path != Path(__file__) and not _is_made(path):
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
                yield str(path.relative_to(root)), number, line


def _is_made(path: Path) -> bool:
    return bool({"__pycache__", "results"} & set(path.parts)) or path.name.startswith((".coverage", ".git"))
