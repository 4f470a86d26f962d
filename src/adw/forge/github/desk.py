"""What all parts of one repository's forge work with: its API, our own account, and effects that happen once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from adw.domain.account import Account
from adw.forge.github.client.repository import RepositoryApi
from adw.forge.github.effects import Effects
from adw.forge.github.reading import Reader
from adw.kit.errors import ForgeDeniedError, NotFoundError

T = TypeVar("T")

_MOST = 10**9


class Desk:
    """`who` tells our own account, None without a credential."""

    def __init__(self, api: RepositoryApi, *, effects: Effects, who: Callable[[], Awaitable[Account | None]]) -> None:
        self.api = api
        self.effects = effects
        self._who = who

    async def ourselves(self) -> Account:
        account = await self._who()
        if account is None:
            raise ForgeDeniedError(
                f"nothing can be written to {self.api.full_name} without a credential",
                hint="set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY",
            )
        return account

    async def login(self) -> str:
        return (await self.ourselves()).login

    async def reader(self) -> Reader:
        """For what others and we have written."""
        return Reader(ours=await self._who())

    async def writer(self) -> Reader:
        """The same, for those who are about to write; raises `ForgeDeniedError` without a credential."""
        return Reader(ours=await self.ourselves())

    async def once(self, name: str, *, find: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]) -> T:
        """See `Effects.once`; names are those of this repository."""
        return await self.effects.once(f"{self.api.full_name.lower()} {name}", find=find, make=make)


def check_number(number: int, *, what: str) -> int:
    """Raises `NotFoundError` for what can be no number."""
    if not 0 < number < _MOST:
        raise NotFoundError(f"there is no {what} #{number}")
    return number
