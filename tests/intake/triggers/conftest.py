"""A desk over the real intake and the local forge, with people whose permissions the test decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.intake.conftest import Door, Repository, door, first_repository, make_repository, repository

from adw.domain.account import Account, Permission
from adw.domain.config import SandboxTable
from adw.domain.forge import Issue
from adw.domain.notices import CommentNotice, IssueNotice, IssueText, Notice, Origin
from adw.domain.project import ForgeKind, Project
from adw.domain.triggers import Delivery, TriggerSource
from adw.domain.workflow import Workflow
from adw.forge.local.forge import LocalForge
from adw.forge.local.git_repository import GitLocalRepository
from adw.intake.repository import Repositories
from adw.intake.triggers import ProjectSettings, TriggerDesk, TriggerParts
from adw.kit.errors import ForgeError
from adw.store.db import Database
from adw.store.deliveries import Recorded, arrival_of, list_deliveries, record
from adw.store.workflows import list_workflows

__all__ = ["door", "first_repository", "make_repository", "repository"]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS = "adw-bot"
PEOPLE = {
    "ann": Permission.ADMIN,
    "max": Permission.MAINTAIN,
    "ben": Permission.WRITE,
    "tia": Permission.TRIAGE,
    "sam": Permission.READ,
    OURS: Permission.ADMIN,
    "renovate[bot]": Permission.WRITE,
}


class PeopledForge(LocalForge):
    """The local forge where not everybody may do everything, and which is away while `is_away` says so."""

    def __init__(self, *args: Any, people: dict[str, Permission], away: list[ForgeError], **rest: Any) -> None:
        super().__init__(*args, **rest)
        self._people = people
        self._away = away

    async def ourselves(self) -> Account:
        return Account(login=OURS, is_bot=True)

    async def permission_of(self, login: str) -> Permission:
        if self._away:
            raise self._away[0]
        return self._people.get(login, Permission.NONE)


@dataclass(slots=True)
class FixedClock:
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass(slots=True)
class TriggerStage:
    """What happens on the forge, what the desk makes of it, and what came of it."""

    door: Door
    project: Project
    repository: Repository
    people: dict[str, Permission] = field(default_factory=lambda: dict(PEOPLE))
    away: list[ForgeError] = field(default_factory=list[ForgeError])
    asked: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    is_contained: bool = True
    clock: FixedClock = field(default_factory=FixedClock)
    guids: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def database(self) -> Database:
        return self.door.database

    def forge(self, project: Project) -> PeopledForge:
        bare = Path(self.door.data_dir) / "forge" / f"{project.id}.git"
        place = GitLocalRepository(bare=bare, person=Path(project.source))
        return PeopledForge(
            self.database.begin, project_id=project.id, repository=place, people=self.people, away=self.away
        )

    @property
    def parts(self) -> TriggerParts:
        async def ask_round(_database: Database, *, pr_number: int, actor: str, text: str, **_rest: str) -> str:
            self.asked.append((actor, pr_number, text))
            return "1a2b3c4d"

        def is_contained(_sandbox: SandboxTable) -> bool:
            return self.is_contained

        intake = self.door.intake
        found = Repositories(database=self.database, workspaces=intake.workspaces, access=intake.access)
        return TriggerParts(
            database=self.database,
            intake=intake,
            forge_of=self.forge,
            config_of=ProjectSettings(found, fresh_s=0.0),
            is_contained=is_contained,
            ask_round=ask_round,
            clock=self.clock,
        )

    def configure(self, text: str) -> None:
        self.repository.commit(adw__toml=text)

    async def issue(self, *labels: str, title: str = "Fix the totals", body: str = "", author: str = "ann") -> Issue:
        forge = self.forge(self.project)
        return await forge.create_issue(title=title, body=body, key=None, author=author, labels=labels)

    def origin(self, sender: str, *, later_s: float = 0.0, is_bot: bool = False) -> Origin:
        return Origin(
            forge=ForgeKind.LOCAL,
            repository=self.project.source,
            sender=Account(login=sender, is_bot=is_bot),
            at=NOW + timedelta(seconds=later_s),
        )

    def opened(self, issue: Issue, **origin: Any) -> IssueNotice:
        return IssueNotice(origin=self.origin(issue.author, **origin), action="opened", issue=text_of(issue))

    def labeled(self, issue: Issue, label: str = "adw:plan", *, by: str = "ann", **origin: Any) -> IssueNotice:
        return IssueNotice(origin=self.origin(by, **origin), action="labeled", issue=text_of(issue), label=label)

    def comment(self, issue: Issue, body: str, *, by: str = "ann", name: str = "c1", **more: Any) -> CommentNotice:
        origin = self.origin(by, is_bot=more.pop("is_bot", False))
        return CommentNotice(
            origin=origin, comment_id=name, number=issue.number, body=body, issue=text_of(issue), **more
        )

    async def hear(self, notice: Notice, *, poll: bool = False) -> Recorded:
        """It is written down, as by webhook or poll; nobody works on it yet."""
        source = TriggerSource.POLL if poll else TriggerSource.WEBHOOK
        guid = None if poll else f"guid-{next(self.guids)}"
        async with self.database.begin() as connection:
            return await record(connection, arrival_of(notice, source, guid=guid))

    async def work(self, desk: TriggerDesk | None = None) -> None:
        """All that is due."""
        desk = desk or TriggerDesk(self.parts)
        while await desk.work_one():
            pass

    async def told(self, notice: Notice, **how: bool) -> Delivery:
        """What becomes of it."""
        made = await self.hear(notice, **how)
        await self.work()
        return next(row for row in await self.deliveries() if row.id == made.id)

    async def deliveries(self) -> list[Delivery]:
        async with self.database.read() as connection:
            return await list_deliveries(connection)

    async def started(self) -> list[Workflow]:
        async with self.database.read() as connection:
            return await list_workflows(connection, limit=50)

    async def replies(self, issue: Issue) -> list[str]:
        return [comment.body for comment in await self.forge(self.project).list_comments(issue.number)]


def text_of(issue: Issue) -> IssueText:
    return IssueText(
        number=issue.number,
        title=issue.title,
        body=issue.body,
        state=issue.state,
        author=Account(login=issue.author),
        labels=issue.labels,
    )


MakeStage = Callable[[], TriggerStage]


@pytest.fixture
async def stage(door: Door, repository: Repository) -> TriggerStage:  # fixtures of the suite around
    project, _ = await door.intake.open_project(str(repository.path))
    return TriggerStage(door=door, project=replace(project), repository=repository)
