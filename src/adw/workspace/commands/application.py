"""Starts a project's application for a moment, waits until it answers, and looks at it.

It runs under the supervisor like any command: it is gone when we have seen enough, and when this worker dies.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from adw.kit.process.confinement import Confinement
from adw.ports.commands import Appearance, Command, Picture, Place
from adw.ports.launcher import Exited, Launch, Launcher
from adw.workspace.commands.browser import find_browser, take_picture
from adw.workspace.commands.doors import ways_in

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 10.0
SECOND_PORT_GRACE_S = 1.0
"""How much later than the first port another may begin to answer and still be seen."""

_LOOK_S = 0.1
_MAX_OUTPUT_BYTES = 200_000
_TAIL_CHARACTERS = 1_500
_HOSTS = ("127.0.0.1", "::1")  # some development servers listen on one of them only

Running = asyncio.Task[Exited]


@asynccontextmanager
async def serving(
    launcher: Launcher, command: Command, *, cwd: Path, env: Mapping[str, str], confinement: Confinement | None = None
) -> AsyncGenerator[Running]:
    """The command as it runs; it and everything it started is gone on leaving."""
    launch = Launch(argv=("/bin/sh", "-c", command.line), cwd=cwd, env=env, confinement=confinement)
    running = asyncio.create_task(launcher.run(launch, timeout_s=command.timeout_s, max_output_bytes=_MAX_OUTPUT_BYTES))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait({running})


async def look_at_application(
    launcher: Launcher,
    command: Command,
    *,
    place: Place,
    cwd: Path,
    env: Mapping[str, str],
    ports: Mapping[str, int],
    path: str,
    start_timeout_s: float = START_TIMEOUT_S,
) -> Appearance:
    """Where the application answers, and pictures of it; a sentence instead when it does not.

    `env` is what the command gets, `place.env` what a browser may; `ports` are by name, those looked at first first.
    """
    async with (
        _reachable(place.confinement, ports) as confinement,
        serving(launcher, command, cwd=cwd, env=env, confinement=confinement) as running,
    ):
        urls = await _first_answers(running, ports, timeout_s=start_timeout_s)
        if not urls:
            return Appearance(note=_why_silent(command, running, start_timeout_s))
        pictures = await _take_pictures(launcher, urls, place=place, path=path)
    where = " and ".join(urls.values())
    seen = "" if pictures else "; there is no picture, for want of a browser that could take one"
    return Appearance(note=f"`{command.shown}` answered at {where}{seen}", urls=urls, pictures=pictures)


@asynccontextmanager
async def _reachable(confinement: Confinement | None, ports: Mapping[str, int]) -> AsyncGenerator[Confinement | None]:
    """The confinement with a way in to each port; what has the machine's network is reachable as it is."""
    if confinement is None or confinement.network == "open":
        yield confinement
        return
    async with ways_in(ports.values()) as doors:
        yield replace(confinement, ways_in=doors)


async def _take_pictures(
    launcher: Launcher, urls: Mapping[str, str], *, place: Place, path: str
) -> tuple[Picture, ...]:
    browser = find_browser(path=path, home=Path.home())
    if browser is None:
        return ()
    taken = [(name, await take_picture(launcher, browser, url, env=dict(place.env))) for name, url in urls.items()]
    return tuple(Picture(name=name, content=content) for name, content in taken if content is not None)


async def _first_answers(running: Running, ports: Mapping[str, int], *, timeout_s: float) -> dict[str, str]:
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    found: dict[str, str] = {}
    while clock() < deadline and not running.done() and len(found) < len(ports):
        for name, port in ports.items():
            if name not in found and (url := await _answers(port)):
                found[name] = url
                deadline = min(deadline, clock() + SECOND_PORT_GRACE_S)
        await asyncio.wait({running}, timeout=_LOOK_S)
    return {name: found[name] for name in ports if name in found}


async def _answers(port: int) -> str | None:
    """The address under which something speaks HTTP there."""
    for host in _HOSTS:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                if await _speaks_http(host, port):
                    return f"http://{'localhost' if ':' in host else host}:{port}/"
    return None


async def _speaks_http(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return (await reader.read(5)) == b"HTTP/"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _why_silent(command: Command, running: Running, timeout_s: float) -> str:
    if not running.done():
        return f"`{command.shown}` did not answer on its ports within {timeout_s:.0f} s"
    ended = running.result()
    tail = ended.output[-_TAIL_CHARACTERS:].strip()
    said = f": {tail}" if tail else ""
    return f"`{command.shown}` ended with exit status {ended.exit_code} before it answered{said}"
