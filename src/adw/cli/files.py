"""Text and files of others on standard output or in a file of the person's choice."""

from __future__ import annotations

import sys
from pathlib import Path

from adw.cli.output import printable, say
from adw.kit.errors import UsageError


def print_text(text: str) -> None:
    """As it is, except that on a terminal nothing in it can steer that."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def print_content(content: bytes, *, name: str) -> None:
    """The bytes as they are. Raises UsageError for what is not text on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{name} is not text ({len(content)} bytes)", hint="write it to a file with -o FILE")
    print_text(text)


def write_file(path: Path, content: bytes) -> None:
    """Replaces what was there. Raises UsageError with the reason when that cannot be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="give the path of a file") from error
    say(f"wrote {path} ({len(content)} bytes)")
