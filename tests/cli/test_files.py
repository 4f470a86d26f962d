from __future__ import annotations

import io
from pathlib import Path

import pytest

from adw.cli.files import print_content, print_text, write_file
from adw.kit.errors import UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard output from here on. Not a fixture: what captures output would replace it before the test begins."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    return stream


def test_a_pipe_gets_the_bytes_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_content(b"\x00\x1b[2J", name="x")
    print_text("\x1b[0m\n")
    import sys

    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"\x00\x1b[2J\x1b[0m\n"


def test_a_terminal_is_not_steered_by_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    print_content("a\x1b[2Jü\n\tb".encode(), name="x")
    print_text("\x9b\n")
    assert terminal.getvalue() == "a\ufffd[2Jü\n\tb\ufffd\n"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\x00b"])
def test_what_is_not_text_is_not_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    terminal = on_terminal(monkeypatch)
    with pytest.raises(UsageError, match="picture is not text"):
        print_content(content, name="picture")
    assert terminal.getvalue() == ""


def test_a_file_is_replaced_and_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "out.md"
    file.write_text("old")
    write_file(file, b"new")
    assert file.read_bytes() == b"new"
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        write_file(tmp_path, b"")
