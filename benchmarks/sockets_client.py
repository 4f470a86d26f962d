"""A process that holds many sockets of the live stream with as little work as possible, and times what they get.

Reads commands from standard input: the file with the times of all commits once writing is over. Prints a line when all
are subscribed, and at the end what was found.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import sys
import time
from array import array
from pathlib import Path
from typing import Any

SETTLE_S = 15.0
LOOK_S = 0.1
_SHORT, _LONG = 126, 127

Commits = dict[str, dict[int, float]]


class Reader(asyncio.Protocol):
    """One socket: asks for one workflow, then notes when each event came. A lazy one stops reading."""

    def __init__(self, *, address: str, token: str, adw_id: str, is_lazy: bool) -> None:
        self.adw_id = adw_id
        self.is_lazy = is_lazy
        self.subscribed = asyncio.get_running_loop().create_future()
        self.times: array[float] = array("d")
        self.first_seq = 0
        self.wrong = 0
        """Events that were missing, doubled or out of order."""
        self.lagged = False
        self._buffer = bytearray()
        self._is_open = False
        key = base64.b64encode(os.urandom(16)).decode()
        self._hello = (
            f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        if not self._is_open:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.subscribed.set_exception(RuntimeError(head.decode()))
                return
            self._is_open = True
            self._buffer = bytearray(rest)
            self._say({"type": "subscribe", "adwId": self.adw_id})
        while (payload := self._next()) is not None:
            self._take(payload, now)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(error or RuntimeError("closed"))

    def close(self) -> None:
        self._transport.abort()

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length == _SHORT and len(buffer) >= 4:
            length, start = struct.unpack_from(">H", buffer, 2)[0], 4
        elif length == _LONG and len(buffer) >= 10:
            length, start = struct.unpack_from(">Q", buffer, 2)[0], 10
        elif length >= _SHORT:
            return None
        if len(buffer) < start + length:
            return None
        payload = bytes(buffer[start : start + length])
        del buffer[: start + length]
        return payload

    def _take(self, payload: bytes, now: float) -> None:
        place = payload.find(b'"seq":')
        if place >= 0:
            seq = int(payload[place + 6 : payload.index(b",", place)])
            self.first_seq = self.first_seq or seq
            self.wrong += seq != self.first_seq + len(self.times)
            self.times.append(now)
        elif b'"subscribed"' in payload:
            self.subscribed.set_result(None)
            if self.is_lazy:
                self._transport.pause_reading()
        elif b'"ping"' in payload:
            self._say({"type": "pong"})
        elif b'"lagged"' in payload:
            self.lagged = True

    def _say(self, frame: dict[str, Any]) -> None:
        text = json.dumps(frame).encode()
        self._transport.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)


async def main(url: str, token: str, *, readers: int, lazy: int, out: Path, adw_ids: list[str]) -> None:
    held = await _connected(url.removeprefix("http://"), token, readers=readers, lazy=lazy, adw_ids=adw_ids)
    began = time.process_time()
    print("subscribed", flush=True)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    told: dict[str, dict[str, float]] = json.loads(Path(line.strip()).read_text())
    commits = {name: {int(seq): at for seq, at in each.items()} for name, each in told.items()}
    busy = held[:readers]
    await _settled(busy, commits)
    found = {
        "missing": sum(len(commits[each.adw_id]) - len(each.times) for each in busy),
        "wrong": sum(each.wrong for each in busy),
        "lagged": sum(each.lagged for each in busy),
        "cpu_s": time.process_time() - began,
    }
    out.write_bytes(_delays_ms(busy, commits).tobytes())
    print(json.dumps(found), flush=True)
    for each in held:
        each.close()


async def _connected(address: str, token: str, *, readers: int, lazy: int, adw_ids: list[str]) -> list[Reader]:
    host, _, port = address.partition(":")
    held: list[Reader] = []
    for place in range(readers + lazy):
        adw_id = adw_ids[place % len(adw_ids)]
        reader = Reader(address=address, token=token, adw_id=adw_id, is_lazy=place >= readers)
        held.append(reader)
        await asyncio.get_running_loop().create_connection(lambda reader=reader: reader, host, int(port))
        await reader.subscribed
    return held


async def _settled(readers: list[Reader], commits: Commits) -> None:
    deadline = time.monotonic() + SETTLE_S
    while any(len(each.times) < len(commits[each.adw_id]) for each in readers):
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(LOOK_S)


def _delays_ms(readers: list[Reader], commits: Commits) -> array[float]:
    delays: array[float] = array("d")
    for each in readers:
        of = commits[each.adw_id]
        delays.extend(1000 * (at - of[seq]) for seq, at in enumerate(each.times, start=each.first_seq) if seq in of)
    return delays


if __name__ == "__main__":
    server_url, server_token, reader_count, lazy_count, delays_file, *ids = sys.argv[1:]
    work = main(
        server_url,
        server_token,
        readers=int(reader_count),
        lazy=int(lazy_count),
        out=Path(delays_file),
        adw_ids=ids,
    )
    asyncio.run(work)
