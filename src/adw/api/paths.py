"""Names and paths people give for projects, checked before the file system is asked."""

from __future__ import annotations

import re

from adw.kit.errors import UsageError

_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$|(?:https?|ssh)://|git@")
_MAX_COMPONENT_BYTES = 255
_MAX_PATH_BYTES = 4096


def check_reference(reference: str) -> str:
    """The reference unchanged; raises UsageError for a path that no file system could hold, or one from a shell."""
    if reference.startswith("~"):
        raise UsageError(f"{reference[:60]!r} is not an absolute path", hint="the server has another home folder")
    encoded = reference.encode("utf-8", "surrogateescape")
    if len(encoded) > _MAX_PATH_BYTES or any(len(part) > _MAX_COMPONENT_BYTES for part in encoded.split(b"/")):
        raise UsageError("the path is longer than a path can be", hint="give the absolute path of a git repository")
    return reference


def check_repository(reference: str) -> str:
    """The same for what names a repository: an absolute path, `owner/name`, or an address."""
    if _REMOTE.match(reference):
        return check_reference(reference)
    return check_path(reference)


def check_path(path: str) -> str:
    """The same for what can only be a path."""
    if not path.startswith("/"):
        raise UsageError(f"{path[:60]!r} is not an absolute path", hint="give the absolute path of a git repository")
    return check_reference(path)
