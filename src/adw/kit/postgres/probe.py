"""Asks a server whether it is ready, in its own protocol: a pid or a socket file proves nothing."""

from __future__ import annotations

import contextlib
import socket
import struct
from enum import Enum
from pathlib import Path

_PROTOCOL_3 = 196608
_STARTING_UP = "57P03"
_NO_SUCH_DATABASE = "3D000"
_MAX_REPLY_BYTES = 65536
_GOODBYE = b"X\0\0\0\4"


class Answer(Enum):
    """What a server said to a greeting."""

    READY = "ready"
    NO_DATABASE = "no database"
    STARTING = "starting"
    NONE = "none"


def ask(path: Path, *, user: str, database: str, timeout_s: float = 5.0) -> Answer:
    """Greets the server behind a unix socket as `user`, and hangs up."""
    words = b"".join(f"{word}\0".encode() for word in ("user", user, "database", database))
    greeting = struct.pack("!ii", 9 + len(words), _PROTOCOL_3) + words + b"\0"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(greeting)
            return _conclusion(connection)
    except OSError:
        return Answer.NONE


def _conclusion(connection: socket.socket) -> Answer:
    while True:
        kind, content = _message(connection)
        if kind == b"Z":
            with contextlib.suppress(OSError):
                connection.sendall(_GOODBYE)
            return Answer.READY
        if kind == b"E":
            return _meaning(content)


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    header = _exactly(connection, 5)
    length = struct.unpack("!i", header[1:])[0] - 4
    if not 0 <= length <= _MAX_REPLY_BYTES:
        raise OSError("not a PostgreSQL server")
    return header[:1], _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise OSError("the server hung up")
        data += part
    return data


def _meaning(content: bytes) -> Answer:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in content.split(b"\0") if part}
    if fields.get(b"C") == _STARTING_UP:
        return Answer.STARTING
    if fields.get(b"C") == _NO_SUCH_DATABASE:
        return Answer.NO_DATABASE
    # Too many connections, say: it cannot serve us now, but it is up.
    return Answer.READY
