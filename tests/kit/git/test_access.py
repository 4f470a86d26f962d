from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from adw.kit.errors import UsageError
from adw.kit.git import Credential, Git, GitCommandError
from adw.kit.git.access import authorised, is_local, remote_arguments
from adw.kit.git.transfer import remote_refs

URL = "https://forge.example/owner/name.git"


class _Access:
    async def credential_for(self, url: str) -> Credential | None:
        return Credential(token="s3cret") if url == URL else None


class _Everywhere:
    async def credential_for(self, url: str) -> Credential | None:  # noqa: ARG002 - any address
        return Credential(token="s3cret")


def _ask(git: Git, question: str) -> tuple[int, str]:
    done = subprocess.run(
        [git.extra["GIT_ASKPASS"], question],
        env={"PATH": os.environ["PATH"], **git.extra},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


async def test_the_token_is_given_only_to_its_host(root: Path) -> None:
    async with authorised(Git(git_dir=root), URL, _Access()) as git:
        assert _ask(git, "Username for 'https://forge.example': ") == (0, "x-access-token")
        assert _ask(git, "Password for 'https://x-access-token@forge.example': ") == (0, "s3cret")
        for question in (
            "Password for 'https://x-access-token@evil.example': ",
            "Password for 'http://x-access-token@forge.example': ",
            "Username for 'https://forge.example.evil.example': ",
            "Password for 'https://x-access-token@forge.example:8443': ",
        ):
            code, said = _ask(git, question)
            assert (code != 0, said) == (True, "")


async def test_the_token_is_in_no_variable_and_gone_afterwards(root: Path) -> None:
    async with authorised(Git(git_dir=root), URL, _Access()) as git:
        folder = Path(git.extra["ADW_ASKPASS_FOLDER"])
        assert not any("s3cret" in value for value in git.extra.values())
        assert (folder / "token").stat().st_mode & 0o777 == 0o600
    assert not folder.exists()


async def test_a_url_without_a_credential_asks_nobody(root: Path) -> None:
    for access in (None, _Access()):
        async with authorised(Git(git_dir=root), "https://other.example/x.git", access) as git:
            assert "GIT_ASKPASS" not in git.extra


async def test_git_itself_logs_in_where_the_token_belongs_and_nowhere_else(root: Path, person) -> None:
    seen: list[tuple[str, str]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = re.search(r"(?im)^host: (\S+)", request)
        login = re.search(r"(?im)^authorization: basic (\S+)", request)
        seen.append((host[1] if host else "", base64.b64decode(login[1]).decode() if login else ""))
        status = "403 Forbidden" if login else "401 Unauthorized\r\nWWW-Authenticate: Basic realm=x"
        if "/moved.git" in request:
            status = f"302 Found\r\nLocation: http://localhost:{port}/evil.git/info/refs?service=git-upload-pack"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        for name in ("owner", "moved"):
            access = _Everywhere()
            with pytest.raises(GitCommandError):
                await remote_refs(
                    Git(git_dir=person.path / ".git"), f"http://127.0.0.1:{port}/{name}.git", names=["x"], access=access
                )
    assert {login for host, login in seen if host.startswith("127.0.0.1")} == {"", "x-access-token:s3cret"}
    assert {login for host, login in seen if host.startswith("localhost")} == {""}


def test_a_credential_does_not_print_its_token() -> None:
    assert "s3cret" not in repr(Credential(token="s3cret"))


@pytest.mark.parametrize(
    ("remote", "local"),
    [(Path("x"), True), ("/a/b", True), ("./a", True), (URL, False), ("git@host:o/n.git", False), ("file:///a", False)],
)
def test_paths_and_addresses_are_told_apart(remote: Path | str, local: bool) -> None:
    assert is_local(remote) is local


def test_an_option_is_no_address() -> None:
    with pytest.raises(UsageError):
        remote_arguments("--upload-pack=evil")
