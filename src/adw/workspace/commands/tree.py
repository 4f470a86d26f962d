"""What a project's files look like from outside: a bounded listing, and the text of the few that say what it is."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

_MAX_FILES = 20_000
_MAX_DEPTH = 8
_MAX_TEXT_BYTES = 1_000_000
_HIDDEN_SETTINGS = (".config/nextest.toml",)
_PASSED_OVER = frozenset({"node_modules", "venv", "site-packages", "target", "dist", "build", "vendor", "__pycache__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a project, as paths relative to its root, and the texts of those at its root."""

    files: frozenset[str]
    texts: dict[str, str] = field(default_factory=dict[str, str])

    def has(self, path: str) -> bool:
        return path in self.files

    def first(self, *paths: str) -> str | None:
        """The first of these files that exists."""
        return next((path for path in paths if path in self.files), None)

    def text(self, path: str) -> str:
        """The text of a file; empty when it is absent or not text."""
        return self.texts.get(path, "")

    def toml(self, path: str) -> dict[str, Any]:
        """The content of a TOML file; empty when it is absent or invalid."""
        try:
            return tomllib.loads(self.text(path))
        except tomllib.TOMLDecodeError:
            return {}

    def json(self, path: str) -> dict[str, Any]:
        """The content of a JSON file that holds an object; empty when it is absent or invalid."""
        try:
            found = json.loads(self.text(path) or "{}")
        except ValueError:
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def read_tree(root: Path) -> Tree:
    """Lists a project without following links, leaving out hidden folders and what tools install."""
    files = list(_walk(root))
    texts = {path: text for path in files if "/" not in path and (text := _text(root / path)) is not None}
    requirements = {path: _text(root / path) or "" for path in files if path.startswith("requirements/")}
    hidden = {path: text for path in _HIDDEN_SETTINGS if (text := _text(root / path)) is not None}
    return Tree(files=frozenset([*files, *hidden]), texts=texts | requirements | hidden)


def table(data: Any, *path: str) -> dict[str, Any]:
    """The table at a path inside parsed TOML or JSON; empty where there is none."""
    for part in path:
        data = cast("dict[str, Any]", data).get(part) if isinstance(data, dict) else None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def items(data: Any) -> list[Any]:
    """The items of a list from parsed TOML or JSON; empty where there is no list."""
    return cast("list[Any]", data) if isinstance(data, list) else []


def strings(data: Any) -> list[str]:
    """The strings of a list from parsed TOML or JSON; empty where there is no list."""
    return [item for item in items(data) if isinstance(item, str)]


def _walk(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        if len(here.parts) >= _MAX_DEPTH:
            folders.clear()
        for name in sorted(names):
            count += 1
            if count > _MAX_FILES:
                return
            yield (here / name).as_posix()


def _text(path: Path) -> str | None:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_TEXT_BYTES:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
