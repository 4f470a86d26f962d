"""The scene a person starts with, from a TOML file or as it comes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adw.forge.github_stand_in.stand_in import StandIn
from adw.kit.errors import ConfigurationError, NotFoundError

PERSON = "you"
PROGRAM = "adw"
SANDBOX = f"{PERSON}/sandbox"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SeedUser(_Part):
    """An account; a token is made up when none is given."""

    login: str = Field(min_length=1)
    token: str | None = None
    type: Literal["User", "Bot", "Organization"] = "User"


class SeedIssue(_Part):
    """An issue that is there from the start."""

    title: str = Field(min_length=1)
    body: str = ""
    author: str | None = None
    labels: list[str] = []


class SeedWebhook(_Part):
    """Where deliveries go."""

    url: str
    secret: str | None = None
    events: list[str] = ["*"]
    content_type: Literal["json", "form"] = "json"


class SeedProtection(_Part):
    """What the default branch demands."""

    checks: list[str] = []
    approvals: int | None = None
    strict: bool = False


class SeedRepository(_Part):
    """A repository: the copy of one on this disk (`from`, relative to the seed file), or of `files`."""

    name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    source: Path | None = Field(default=None, alias="from")
    files: dict[str, str] = {}
    default_branch: str = "main"
    private: bool = False
    drafts: bool = True
    permissions: dict[str, Literal["read", "triage", "write", "maintain", "admin"]] = {}
    protection: SeedProtection | None = None
    issues: list[SeedIssue] = []
    webhooks: list[SeedWebhook] = []


class Seed(_Part):
    """All of it."""

    users: list[SeedUser] = []
    repositories: list[SeedRepository] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Sown:
    """What came of a seed: tokens by login, and the names of the repositories."""

    tokens: Mapping[str, str]
    repositories: tuple[str, ...]


DEFAULT = Seed(
    users=[SeedUser(login=PERSON), SeedUser(login=PROGRAM)],
    repositories=[
        SeedRepository(
            name=SANDBOX,
            files={"README.md": "# Sandbox\n\nA place to try things.\n"},
            permissions={PROGRAM: "write"},
            issues=[SeedIssue(title="Say hello in the README", body="It should greet whoever reads it.")],
        )
    ],
)
"""A person, an account for this program, and a repository with one issue."""


def read_seed(path: Path) -> Seed:
    """Raises NotFoundError for a file that is not there, ConfigurationError for one that cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such seed file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    try:
        seed = Seed.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}", hint="a seed is TOML") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{path}: {where}: {first['msg']}", hint="see the guide to GitHub offline") from error
    return _with_whole_paths(seed, path.parent)


def sow(stand: StandIn, seed: Seed) -> Sown:
    """Makes a scene of it. Owners that no account was made for get one."""
    tokens = {user.login: stand.add_user(user.login, token=user.token, type=user.type) for user in seed.users}
    for repository in seed.repositories:
        _sow_repository(stand, repository)
        owner = repository.name.partition("/")[0]
        if owner not in tokens:
            tokens[owner] = stand.add_user(owner)
    return Sown(tokens=tokens, repositories=tuple(repository.name for repository in seed.repositories))


def _sow_repository(stand: StandIn, repository: SeedRepository) -> None:
    stand.add_repository(
        repository.name,
        default_branch=repository.default_branch,
        files=dict(repository.files) or None,
        git_from=repository.source,
        private=repository.private,
        drafts=repository.drafts,
    )
    for login, permission in repository.permissions.items():
        stand.grant(repository.name, login, permission)
    if repository.protection is not None:
        demands = repository.protection
        stand.protect(
            repository.name,
            repository.default_branch,
            checks=demands.checks,
            approvals=demands.approvals,
            strict=demands.strict,
        )
    for issue in repository.issues:
        stand.add_issue(repository.name, issue.title, body=issue.body, author=issue.author, labels=issue.labels)
    for hook in repository.webhooks:
        stand.add_hook(
            repository.name, hook.url, secret=hook.secret, events=hook.events, content_type=hook.content_type
        )


def _with_whole_paths(seed: Seed, folder: Path) -> Seed:
    """Places are meant as seen from the seed file."""
    repositories = [
        one.model_copy(update={"source": (folder / one.source).resolve()}) if one.source else one
        for one in seed.repositories
    ]
    return seed.model_copy(update={"repositories": repositories})
