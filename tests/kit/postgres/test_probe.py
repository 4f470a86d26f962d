from __future__ import annotations

import socket
import struct
import threading

import pytest

from adw.kit.postgres.probe import Answer, ask


def error(code: bytes) -> bytes:
    content = b"SFATAL\0C" + code + b"\0Msome words\0\0"
    return b"E" + struct.pack("!i", len(content) + 4) + content


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", Answer.READY),
        (b"R\0\0\0\x08\0\0\0\0" + error(b"3D000"), Answer.NO_DATABASE),
        (error(b"57P03"), Answer.STARTING),
        (error(b"53300"), Answer.READY),
        (b"R\0\0\0\x08\0\0\0\0", Answer.NONE),
        (b"HTTP/1.1 400 Bad Request\r\n", Answer.NONE),
        (b"", Answer.NONE),
    ],
)
def test_the_first_words_of_a_server_tell_its_state(tmp_path, reply, answer):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        assert ask(path, user="u", database="d") is answer
        thread.join()


def test_no_socket_is_no_server(tmp_path):
    assert ask(tmp_path / "none", user="u", database="d") is Answer.NONE
