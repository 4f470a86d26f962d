from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from adw.kit.errors import InfrastructureError
from adw.kit.process import Lifeline
from adw.kit.process.sockets import MAX_SOCKET_PATH_BYTES


async def hello(lifeline, launch_id):
    reader, writer = await asyncio.open_unix_connection(lifeline.path)
    writer.write(json.dumps({"id": launch_id, "pid": os.getpid()}).encode() + b"\n")
    await writer.drain()
    return reader, writer


async def test_a_kill_hangs_up_on_one_launch_and_waits_until_it_is_gone(tmp_path, until):
    async with await Lifeline.open(tmp_path) as lifeline:
        reader, writer = await hello(lifeline, "a")
        _, other = await hello(lifeline, "b")
        await until(lambda: len(lifeline.supervisors()) == 2)
        killing = asyncio.ensure_future(lifeline.kill("a"))
        assert await reader.read() == b""
        assert not killing.done()
        writer.close()
        assert await killing
        assert list(lifeline.supervisors()) == ["b"]
        other.close()


async def test_a_supervisor_that_stays_is_reported(tmp_path, until):
    async with await Lifeline.open(tmp_path) as lifeline:
        _, writer = await hello(lifeline, "a")
        await until(lambda: "a" in lifeline.supervisors())
        assert not await lifeline.kill("a", timeout_s=0.01)
        writer.close()


async def test_a_launch_killed_before_it_connects_is_hung_up_on_at_once(tmp_path):
    async with await Lifeline.open(tmp_path) as lifeline:
        assert await lifeline.kill("early")
        reader, writer = await hello(lifeline, "early")
        assert await reader.read() == b""
        writer.close()
        lifeline.forget("early")
        assert not lifeline.is_unwanted("early")


@pytest.mark.parametrize("words", [b"nonsense\n", b'{"id": 1}\n', b"[]\n", b"x" * 5000])
async def test_a_stranger_is_dropped(tmp_path, words):
    async with await Lifeline.open(tmp_path) as lifeline:
        reader, writer = await asyncio.open_unix_connection(lifeline.path)
        writer.write(words)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert lifeline.supervisors() == {}


async def test_a_long_folder_gets_a_short_private_socket_elsewhere(tmp_path, monkeypatch):
    short = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    lifeline = await Lifeline.open(tmp_path / ("long" * 40))
    assert len(os.fsencode(lifeline.path)) <= MAX_SOCKET_PATH_BYTES
    assert stat.S_IMODE(lifeline.path.parent.stat().st_mode) == 0o700
    await lifeline.close()
    await lifeline.close()
    assert list(short.iterdir()) == []
    short.rmdir()


async def test_a_folder_that_cannot_hold_a_socket_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError, match="Cannot listen"):
        await Lifeline.open(tmp_path / "file")
