"""A repository on the stand-in, as the tests of every forge want it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from adw.domain.forge import Comment, Issue
from adw.domain.rates import RateLimits
from adw.forge.github import GitHub, GitHubForge, Patience, TokenCredential
from adw.forge.github_stand_in import StandIn
from adw.store.db import Database

HASTY = Patience(repeats_s=(0.0, 0.01, 0.02), looks_s=(0.0, 0.01, 0.02, 0.05), most_wait_s=5.0)
UNLIMITED = RateLimits(points_per_minute=1e7, writes_per_minute=1e7, writes_per_hour=1e7)
OURS = "adw"
OWNER = "acme"


def connect(
    stand_in: StandIn,
    database: Database,
    *,
    token: str,
    patience: Patience = HASTY,
    http: httpx.AsyncClient | None = None,
) -> GitHub:
    return GitHub(
        api_url=stand_in.api_url,
        server_url=stand_in.server_url,
        credential=TokenCredential(token=token),
        database=database,
        patience=patience,
        limits=UNLIMITED,
        http=http or httpx.AsyncClient(verify=False),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody else: texts arrive as they are typed, without the marks of our own."""

    stage: GitHubStage
    name: str
    forge: GitHubForge

    async def create_issue(self, *, title: str, body: str, key: None, labels: Sequence[str] = ()) -> Issue:
        assert key is None
        stage = self.stage
        number = stage.stand_in.add_issue(stage.full_name, title, body=body, author=self.name, labels=labels)
        return await stage.forge.get_issue(number)

    async def create_comment(self, number: int, *, body: str, key: None) -> Comment:
        assert key is None
        made = self.stage.stand_in.comment(self.stage.full_name, number, body, by=self.name)
        return next(each for each in await self.stage.forge.list_comments(number) if each.id == str(made.id))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.forge, name)


@dataclass(slots=True)
class GitHubStage:
    """Implements `tests.forge.stage.ForgeStage`. `full_name` is a repository of this test alone."""

    stand_in: StandIn
    database: Database
    full_name: str
    github: GitHub
    forge: GitHubForge
    base: str = "main"
    ourselves: str = OURS
    token: str = ""
    opened: list[GitHub] = field(default_factory=list)

    def person(self, name: str) -> Person:
        """What this account does by its own token; what it writes, it types itself."""
        token = self.stand_in.add_user(name)
        self.stand_in.grant(self.full_name, name, "write")
        return Person(stage=self, name=name, forge=self.connected(token))

    def connected(
        self, token: str, *, patience: Patience = HASTY, http: httpx.AsyncClient | None = None
    ) -> GitHubForge:
        self.opened.append(connect(self.stand_in, self.database, token=token, patience=patience, http=http))
        return self.opened[-1].forge(self.full_name)

    async def commit(self, branch: str, files: Mapping[str, str]) -> str:
        return self.stand_in.push(self.full_name, branch, files, start=self.base)

    async def delete_branch(self, branch: str) -> None:
        async with httpx.AsyncClient() as http:
            token = self.stand_in.add_token(OWNER)
            address = f"{self.stand_in.api_url}/repos/{self.full_name}/git/refs/heads/{branch}"
            (await http.delete(address, headers={"authorization": f"Bearer {token}"})).raise_for_status()

    async def files_on(self, branch: str) -> dict[str, str]:
        with tarfile.open(fileobj=io.BytesIO(self._git("archive", branch))) as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
            return {name: file.read().decode() for name, file in files.items() if file is not None}

    async def commits_on(self, branch: str) -> list[str]:
        return self._git("log", "--format=%s", branch).decode().splitlines()

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.stand_in.bare_path(self.full_name)), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout
