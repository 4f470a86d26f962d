"""All that the stand-in knows: accounts, tokens, apps and repositories, and how to find one among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adw.forge.github_stand_in.errors import not_found
from adw.forge.github_stand_in.records import (
    Application,
    Credential,
    Installation,
    Issue,
    IssueEvent,
    Pull,
    Repository,
    User,
    UserType,
)

GHOST = "ghost"
"""Who the work of deleted accounts belongs to."""


def present() -> datetime:
    """Now in whole seconds, which is all that GitHub tells."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True, kw_only=True)
class World:
    """`folder` holds the bare repositories; `web_url` is where the stand-in is reached, without a slash at its end."""

    folder: Path
    web_url: str = "http://127.0.0.1"
    now: Callable[[], datetime] = present
    rate_limit: int = 5000
    last_id: int = 1000
    users: dict[str, User] = field(default_factory=dict[str, User])
    tokens: dict[str, Credential] = field(default_factory=dict[str, Credential])
    apps: dict[str, Application] = field(default_factory=dict[str, Application])
    installations: dict[int, Installation] = field(default_factory=dict[int, Installation])
    repositories: dict[str, Repository] = field(default_factory=dict[str, Repository])

    @property
    def api_url(self) -> str:
        return f"{self.web_url}/api/v3"

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def user(self, login: str) -> User:
        """Raises RefusedError (404) for an account that is not there."""
        user = self.users.get(login.lower())
        if user is None:
            raise not_found()
        return user

    def anybody(self, login: str) -> User:
        """The account, or the ghost in its place."""
        return self.users.get(login.lower()) or self.ensure_user(GHOST)

    def ensure_user(self, login: str, *, type: UserType = "User") -> User:  # noqa: A002 - GitHub's word
        found = self.users.get(login.lower())
        if found is None:
            found = User(id=self.new_id(), login=login, type=type, created_at=self.now())
            self.users[login.lower()] = found
        return found

    def repository(self, full_name: str) -> Repository:
        """Raises RefusedError (404) for one that is not there."""
        repository = self.repositories.get(full_name.lower())
        if repository is None:
            raise not_found()
        return repository

    def bare_path(self, repository: Repository) -> Path:
        return self.folder / repository.owner.lower() / f"{repository.name.lower()}.git"

    def app_of(self, slug: str) -> Application:
        """The app, made up on the spot when a check names one nobody registered."""
        if slug not in self.apps:
            self.ensure_user(f"{slug}[bot]", type="Bot")
            owner = self.ensure_user("github", type="Organization").login
            self.apps[slug] = Application(
                id=self.new_id(),
                slug=slug,
                owner=owner,
                public_key=None,
                permissions={"checks": "write", "metadata": "read"},
                events=[],
                created_at=self.now(),
            )
        return self.apps[slug]

    def installation_at(self, repository: Repository, app: str) -> Installation | None:
        for found in self.installations.values():
            if found.app == app and covers(found, repository):
                return found
        return None

    def note(
        self, repository: Repository, issue: Issue, event: str, actor: str, *, label: str | None = None
    ) -> IssueEvent:
        """Writes down that something happened to an issue."""
        noted = IssueEvent(
            id=self.new_id(), number=issue.number, event=event, actor=actor, created_at=self.now(), label=label
        )
        repository.events.append(noted)
        return noted


def covers(installation: Installation, repository: Repository) -> bool:
    if installation.repositories is None:
        return installation.owner.lower() == repository.owner.lower()
    return repository.full_name.lower() in {name.lower() for name in installation.repositories}


def issue_of(repository: Repository, number: int) -> Issue:
    """Raises RefusedError (404) for a number that was never given."""
    issue = repository.issues.get(number)
    if issue is None:
        raise not_found()
    return issue


def pull_of(repository: Repository, number: int) -> tuple[Issue, Pull]:
    """Raises RefusedError (404) for a number that is no pull request's."""
    issue = issue_of(repository, number)
    if issue.pull is None:
        raise not_found()
    return issue, issue.pull


def open_pulls(repository: Repository) -> list[tuple[Issue, Pull]]:
    return [(issue, issue.pull) for issue in repository.issues.values() if issue.pull and issue.state == "open"]
