from __future__ import annotations

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adw.kit.process import Confinement, Lifeline, SupervisedLauncher, identify
from adw.ports.commands import Appearance, Command, Place
from adw.workspace.commands import LaunchedCommands
from adw.workspace.commands.application import look_at_application
from adw.workspace.commands.browser import find_browser
from adw.workspace.commands.doors import ways_in
from adw.workspace.sandbox import ThisMachine, find_sandbox

PNG = b"\x89PNG\r\n\x1a\n and so on"
SERVES = """
import os, pathlib
from http.server import HTTPServer, SimpleHTTPRequestHandler
pathlib.Path("pid").write_text(str(os.getpid()))
HTTPServer(("127.0.0.1", int(os.environ["BACKEND_PORT"])), SimpleHTTPRequestHandler).serve_forever()
"""
TAKES_PICTURE = f"""#!{sys.executable}
import os, pathlib, sys, urllib.request
given = dict(each.partition("=")[::2] for each in sys.argv if each.startswith("--"))
assert urllib.request.urlopen(sys.argv[-1]).status == 200
assert os.environ["HOME"] == os.getcwd(), "a home of its own"
assert "SECRET" not in os.environ
pathlib.Path(given["--screenshot"]).write_bytes({PNG!r})
"""


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where programs are looked for: the usual places, and before them a folder for browsers."""
    (tmp_path / "browsers").mkdir()
    return f"{tmp_path / 'browsers'}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.fixture
def look(launcher: SupervisedLauncher, place: Place, path: str, free_port: int):
    async def go(line: str, **more: Any) -> Appearance:
        given = replace(place, env={**place.env, "SECRET": "s", "BACKEND_PORT": str(free_port)})
        command = Command(line=line, origin="here", timeout_s=60.0)
        return await look_at_application(
            launcher,
            command,
            place=given,
            cwd=place.root,
            env=given.env,
            ports={"backend": free_port},
            path=path,
            **more,
        )

    return go


@pytest.fixture
def server(write: Callable[..., None]) -> str:
    write({"serve.py": SERVES})
    return f"{shlex.quote(sys.executable)} serve.py"


def install(tmp_path: Path, text: str) -> None:
    browser = tmp_path / "browsers" / "chromium"
    browser.write_text(text)
    browser.chmod(0o755)


async def test_an_application_is_looked_at_and_gone_afterwards(
    look, server: str, place: Place, tmp_path: Path, free_port: int
):
    install(tmp_path, TAKES_PICTURE)
    found = await look(server)
    assert found.urls == {"backend": f"http://127.0.0.1:{free_port}/"}
    assert [(picture.name, picture.content) for picture in found.pictures] == [("backend", PNG)]
    assert f"answered at http://127.0.0.1:{free_port}/" in found.note
    assert not identify(int((place.root / "pid").read_text()))


async def test_a_contained_application_is_seen_from_outside_on_its_port(
    tmp_path: Path, place: Place, path: str, free_port: int, write: Callable[..., None]
):
    install(tmp_path, TAKES_PICTURE)
    write({"serve.py": SERVES})
    machine = ThisMachine(environment=place.env, data_dir=tmp_path / "data", tools=tmp_path / "data")
    async with await Lifeline.open(tmp_path / "lines") as lifeline:
        found = await look_at_application(
            SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "l", sandbox=await find_sandbox(machine)),
            Command(line=f"{os.path.realpath(sys.executable)} serve.py", origin="here", timeout_s=60.0),
            place=replace(place, confinement=Confinement(writable=(place.root,))),
            cwd=place.root,
            env={"PATH": "/usr/bin:/bin", "BACKEND_PORT": str(free_port)},
            ports={"backend": free_port},
            path=path,
        )
    assert found.urls == {"backend": f"http://127.0.0.1:{free_port}/"}, found.note
    assert [picture.content for picture in found.pictures] == [PNG]
    assert int((place.root / "pid").read_text()) < 100, "a number of its own namespace"


async def test_a_link_in_the_place_of_a_door_is_not_followed(tmp_path: Path, free_port: int):
    async with (
        await asyncio.start_unix_server(lambda _r, w: w.write(b"secret"), str(tmp_path / "ours.sock")),
        ways_in([free_port]) as doors,
    ):
        doors[0].socket.symlink_to(tmp_path / "ours.sock")
        reader, writer = await asyncio.open_connection("127.0.0.1", free_port)
        assert await reader.read() == b""
        writer.close()


async def test_without_a_browser_there_is_only_a_sentence(look, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = await look(server)
    assert found.urls
    assert found.pictures == ()
    assert "there is no picture" in found.note


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nfor last; do :; done\necho no > page.png\n"])
async def test_a_browser_that_gives_no_picture_does_no_harm(look, server: str, tmp_path: Path, script: str):
    install(tmp_path, script)
    found = await look(server)
    assert found.urls
    assert found.pictures == ()


async def test_an_application_that_ends_says_why(look):
    found = await look("echo port is taken; exit 3")
    assert (found.urls, found.pictures) == ({}, ())
    assert found.note.endswith("ended with exit status 3 before it answered: port is taken")


async def test_an_application_that_stays_silent_is_given_up(look):
    found = await look("sleep 60", start_timeout_s=0.2)
    assert "did not answer on its ports within" in found.note


async def test_the_runner_looks_at_what_runs_where_it_is_told_to(commands: LaunchedCommands, place: Place):
    (place.root / "web").mkdir()
    command = Command(line="pwd; exit 1", origin="here", timeout_s=60.0, cwd="web")
    found = await commands.look_at(command, place=place, ports={"backend": 1})
    assert found.note.endswith(f"{place.root}/web")


def test_a_browser_is_found_on_the_path_or_among_those_of_a_test_tool(tmp_path: Path):
    home, folder = tmp_path / "home", tmp_path / "bin"
    folder.mkdir()
    assert find_browser(path=str(folder), home=home) is None
    cached = home / ".cache/ms-playwright/chromium_headless_shell-1200/chrome-linux/headless_shell"
    cached.parent.mkdir(parents=True)
    cached.write_text("")
    assert find_browser(path=str(folder), home=home) is None, "it cannot be run"
    cached.chmod(0o755)
    assert find_browser(path=str(folder), home=home) == cached
    (folder / "google-chrome").write_text("")
    (folder / "google-chrome").chmod(0o755)
    assert find_browser(path=str(folder), home=home) == folder / "google-chrome"
