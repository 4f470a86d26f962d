"""GitHub as the rest of the program knows it: one address with one credential, for any number of repositories."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from adw.domain.account import Account
from adw.domain.changes import Changes, LabelChange
from adw.domain.rates import RateLimits
from adw.domain.repository_facts import RepositoryFacts
from adw.forge.github.accounts import app_account, own_permission, token_account
from adw.forge.github.client.access import Access, Anonymous, AppAccess, TokenAccess
from adw.forge.github.client.api import GitHubApi
from adw.forge.github.client.credentials import AppCredential, TokenCredential
from adw.forge.github.client.kept import KeptAnswers
from adw.forge.github.client.repository import RepositoryApi, check_full_name
from adw.forge.github.client.turns import Patience, Turns
from adw.forge.github.client.wire import Network
from adw.forge.github.desk import Desk
from adw.forge.github.effects import Effects
from adw.forge.github.forge import GitHubForge
from adw.forge.github.polling import changes_since, label_changes
from adw.forge.github.rules import methods_of
from adw.forge.github.slices.repository import RepositorySlice
from adw.kit.clock import Clock, SystemClock
from adw.kit.errors import ConfigurationError, NotFoundError
from adw.kit.git.access import Credential
from adw.store.db import Database

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_GRAPHQL = RateLimits(points_per_minute=2_000.0)


class GitHub:
    """An async context manager. `api_url` and `server_url` are GITHUB_API_URL and GITHUB_SERVER_URL.

    Without a credential it reads public repositories. `http` replaces the network in tests.
    """

    def __init__(
        self,
        *,
        api_url: str,
        server_url: str,
        database: Database,
        credential: TokenCredential | AppCredential | None = None,
        patience: Patience | None = None,
        limits: RateLimits | None = None,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._server_url = _checked_url(server_url, name="GITHUB_SERVER_URL")
        address, clock, patience = (
            _checked_url(api_url, name="GITHUB_API_URL"),
            clock or SystemClock(),
            patience or Patience(),
        )
        self._clock = clock
        self._credential = credential
        self._network = Network(http)
        self._api = GitHubApi(
            api_url=address,
            network=self._network,
            access=_access(credential, api_url=address, clock=clock),
            turns=Turns(database, rest=limits or RateLimits(), graphql=_GRAPHQL, patience=patience),
            kept=KeptAnswers(database),
            patience=patience,
            clock=clock,
        )
        self._effects = Effects(database, patience)
        self._asking = asyncio.Lock()
        self._account: Account | None = None

    def __repr__(self) -> str:
        return f"GitHub({self._server_url})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._network.aclose()

    def forge(self, full_name: str) -> GitHubForge:
        """The forge of `owner/name`. Nothing is asked before it is used."""
        return GitHubForge(self._desk(full_name))

    def clone_url(self, full_name: str) -> str:
        return f"{self._server_url}/{check_full_name(full_name)}.git"

    async def git_credential(self, url: str) -> Credential | None:
        """What git may show to get at `url`; None for any other host, and without a credential."""
        asked, ours = urlsplit(url), urlsplit(self._server_url)
        if (asked.scheme, asked.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
            return None
        below = asked.path.removeprefix(ours.path).strip("/").removesuffix(".git")
        if below.count("/") != 1:
            return None
        shown = await self._api.git_pass(check_full_name(below))
        return None if shown.token is None else Credential(token=shown.token)

    async def repository(self, full_name: str) -> RepositoryFacts:
        """What GitHub says of a repository. Raises `NotFoundError` for one that our credential may not see."""
        api = RepositoryApi(self._api, full_name)
        found = await api.find(RepositorySlice, "", what=f"read {full_name}")
        if found is None:
            raise NotFoundError(f"GitHub shows no repository {full_name}", hint=self._why_hidden())
        return RepositoryFacts(
            full_name=found.full_name or full_name,
            default_branch=found.default_branch,
            permission=own_permission(found.permissions),
            is_private=found.private,
            is_archived=found.archived,
            is_fork=found.fork,
            has_issues=found.has_issues,
            can_auto_merge=found.allow_auto_merge,
            methods=methods_of(found),
            url=found.html_url,
        )

    async def changes(self, full_name: str, cursor: str | None) -> Changes:
        """What happened since `cursor` was given out; None begins now, with nothing to tell."""
        return await changes_since(self._desk(full_name), cursor, now=self._clock.now())

    async def label_changes(self, full_name: str, number: int) -> list[LabelChange]:
        """Who put which label on an issue and took which off, oldest first."""
        return await label_changes(self._desk(full_name), number)

    def _desk(self, full_name: str) -> Desk:
        api = RepositoryApi(self._api, full_name)
        return Desk(api, effects=self._effects, who=lambda: self._who(api))

    async def _who(self, api: RepositoryApi) -> Account | None:
        if self._credential is None:
            return None
        async with self._asking:
            if self._account is None:
                is_app = isinstance(self._credential, AppCredential)
                self._account = await (app_account(self._api) if is_app else token_account(api))
            return self._account

    def _why_hidden(self) -> str:
        if self._credential is None:
            return "a private one is seen only with GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"
        if isinstance(self._credential, AppCredential):
            return "check the name, and that the app is installed for this repository"
        return "check the name, and that GITHUB_TOKEN may see this repository"


def _access(credential: TokenCredential | AppCredential | None, *, api_url: str, clock: Clock) -> Access:
    if credential is None:
        return Anonymous()
    if isinstance(credential, AppCredential):
        return AppAccess(credential, api_url=api_url, clock=clock)
    return TokenAccess(credential, api_url=api_url)


def _checked_url(url: str, *, name: str) -> str:
    """A credential goes over the network only where nobody listens in."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or parts.username or parts.query:
        raise ConfigurationError(
            f"{name} is no address that can be used", hint="write https://host, or https://host/api/v3 for Enterprise"
        )
    return url.rstrip("/")
