"""Joins ports inside a sandbox to unix sockets: `python -I -S relay.py out:PORT:SOCKET in:PORT:SOCKET ... -- PROGRAM`.

Stand-alone and standard library only, because it runs inside the sandbox in front of the program, which begins only
when every door is open. It is nobody's child there and ends with the sandbox.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys

CANNOT_OPEN = 125
CANNOT_RUN = 126
NOT_FOUND = 127

_CHUNK = 1 << 18
_BACKLOG = 256
_CONNECT_S = 10.0
_LOOPBACK = ("127.0.0.1", "::1")  # some servers listen on one of them only
_AT_ONCE = struct.pack("ii", 1, 0)


def main(arguments: list[str]) -> int:
    """Opens the doors, leaves their keeper behind and becomes the program. Returns only when that fails."""
    split = arguments.index("--")
    doors, argv = arguments[:split], arguments[split + 1 :]
    try:
        keeper = Keeper([_open(door) for door in doors])
    except (OSError, ValueError) as error:
        return _complain(f"cannot open {' '.join(doors)}: {error}", CANNOT_OPEN)
    _leave_behind(keeper)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - running the named program is the purpose
    except FileNotFoundError:
        return _complain(f"program not found: {argv[0]}", NOT_FOUND)
    except OSError as error:
        return _complain(f"cannot run {argv[0]}: {error.strerror}", CANNOT_RUN)


class Door:
    """A listening socket, and how to get to the other side."""

    def __init__(self, listener: socket.socket, *, way: str, port: int, path: str) -> None:
        self.listener = listener
        self._way = way
        self._port = port
        self._path = path

    def connect(self) -> socket.socket | None:
        """The other side; None when nobody listens there."""
        if self._way == "out":
            return _connected(socket.AF_UNIX, self._path)
        for host in _LOOPBACK:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            if (found := _connected(family, (host, self._port))) is not None:
                return found
        return None


class End:
    """One end of a pair: what is still to be written to it, and what it still expects."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.peer: End = self
        self.waiting = bytearray()
        self.is_read_out = False
        self.is_closed_for_writing = False
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def interest(self) -> int:
        """Nothing is read while the other side has not taken what came before."""
        reads = select.POLLIN if not self.is_read_out and not self.peer.waiting else 0
        return reads | (select.POLLOUT if self.waiting else 0)

    def read(self) -> None:
        data = self.connection.recv(_CHUNK)
        self.is_read_out = not data
        self.peer.waiting += data
        self.peer.write()

    def write(self) -> None:
        """Passes on what it can at once; when all that will ever come is passed on, says so."""
        if self.waiting:
            try:
                sent = self.connection.send(self.waiting)
            except BlockingIOError:
                return
            del self.waiting[:sent]
        if self.peer.is_read_out and not self.waiting and not self.is_closed_for_writing:
            self.is_closed_for_writing = True
            self.connection.shutdown(socket.SHUT_WR)

    @property
    def is_done(self) -> bool:
        return self.is_read_out and self.is_closed_for_writing


class Keeper:
    """Passes bytes on in both directions, as they come, for as long as the sandbox lives."""

    def __init__(self, doors: list[Door]) -> None:
        self._doors = {door.listener.fileno(): door for door in doors}
        self._ends: dict[int, End] = {}
        self._poller = select.poll()
        for number in self._doors:
            self._poller.register(number, select.POLLIN)

    def keep(self) -> None:
        while True:
            for number, event in self._poller.poll():
                if number in self._doors:
                    self._let_in(self._doors[number])
                elif number in self._ends:
                    self._move(self._ends[number], event)

    def _let_in(self, door: Door) -> None:
        try:
            caller, _ = door.listener.accept()
        except OSError:
            return
        other = door.connect()
        if other is None:
            _cut(caller)
            return
        one, two = End(caller), End(other)
        one.peer, two.peer = two, one
        for end in (one, two):
            self._ends[end.connection.fileno()] = end
            self._poller.register(end.connection, end.interest)

    def _move(self, end: End, event: int) -> None:
        try:
            if event & (select.POLLIN | select.POLLHUP | select.POLLERR) and not end.is_read_out:
                end.read()
            if event & (select.POLLOUT | select.POLLHUP | select.POLLERR):
                end.write()
        except BlockingIOError:
            pass
        except OSError:
            self._drop(end, broken=True)
            return
        if end.is_done and end.peer.is_done:
            self._drop(end, broken=False)
            return
        self._watch(end)
        self._watch(end.peer)

    def _watch(self, end: End) -> None:
        """An end nothing is expected of is not watched at all: one that hung up would be reported without pause."""
        number = end.connection.fileno()
        if end.interest:
            self._poller.register(number, end.interest)
        elif number in self._ends:
            _forget(self._poller, number)

    def _drop(self, end: End, *, broken: bool) -> None:
        for each in (end, end.peer):
            number = each.connection.fileno()
            _forget(self._poller, number)
            self._ends.pop(number, None)
            if broken:
                _cut(each.connection)
            else:
                each.connection.close()


def _open(door: str) -> Door:
    way, port, path = door.split(":", 2)
    if way == "out":
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK[0], int(port)))
    else:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return Door(listener, way=way, port=int(port), path=path)


def _leave_behind(keeper: Keeper) -> None:
    """Twice removed: the program gets no child it does not know of. Its streams are the program's alone."""
    child = os.fork()
    if child != 0:
        os.waitpid(child, 0)
        return
    if os.fork() == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        keeper.keep()
    os._exit(0)


def _connected(family: int, address: str | tuple[str, int]) -> socket.socket | None:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_S)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def _cut(connection: socket.socket) -> None:
    """Closes so that the other end knows that something is missing."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    connection.close()


def _forget(poller: select.poll, number: int) -> None:
    try:
        poller.unregister(number)
    except KeyError:
        return


def _complain(message: str, code: int) -> int:
    os.write(2, f"relay: {message}\n".encode(errors="replace"))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
