"""What building a project leaves in its folder, where the project itself has no rule that ignores it.

Names such as `target` are ordinary folders elsewhere, so they count only beside the file that makes a tool write there,
and only while the base commit has nothing below them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

_OUTPUTS = {
    "Cargo.toml": ("target/", "Cargo.lock"),
    "pom.xml": ("target/",),
    "build.gradle": ("build/",),
    "build.gradle.kts": ("build/",),
}
_MOST = 200


def generated_paths(names: Iterable[str]) -> tuple[str, ...]:
    """Globs, relative to the top folder, of what tools write beside the files of these names."""
    known = list(names)
    found = sorted({output for name in known for output in _beside(name)})
    return tuple(glob for glob in (_unless_kept(output, known) for output in found[:_MOST]) if glob is not None)


def _beside(name: str) -> Iterator[str]:
    path = PurePosixPath(name)
    for output in _OUTPUTS.get(path.name, ()):
        yield output if path.parent == PurePosixPath() else f"{path.parent}/{output}"


def _unless_kept(output: str, names: list[str]) -> str | None:
    if not output.endswith("/"):
        return None if output in names else _literal(output)
    return None if any(name.startswith(output) for name in names) else f"{_literal(output)}**"


def _literal(path: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
