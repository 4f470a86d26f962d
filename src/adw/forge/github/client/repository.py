"""GitHub's API as seen from one repository: paths made safe, answers read into slices, pages gathered."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote

from pydantic import ValidationError

from adw.forge.github.client.api import GitHubApi
from adw.forge.github.client.call import JSON, Answer, Call
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.slices.base import Slice
from adw.kit.errors import ForgeError, UsageError

S = TypeVar("S", bound=Slice)

_FULL_NAME = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_PAGE_SIZE = 100
_MOST_PAGES = 100


def check_full_name(name: str) -> str:
    """`owner/name`; raises `UsageError` for anything else."""
    if _FULL_NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is not a repository on GitHub", hint="write owner/name")
    return name


def segment(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


def read(kind: type[S], found: Any) -> S:
    """A slice of what GitHub sent. It fails only where GitHub sent something else altogether."""
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise ForgeError(f"GitHub sent something that is no {kind.__name__}: {error.errors()[0]['msg']}") from error


class RepositoryApi:
    """Calls below `/repos/{owner}/{name}`; paths are relative to that, and are already quoted."""

    def __init__(self, api: GitHubApi, full_name: str) -> None:
        self.full_name = check_full_name(full_name)
        self.owner, _, self.name = full_name.partition("/")
        self.api = api

    async def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        media: str = JSON,
        accept: Collection[FailureKind] = (),
        is_repeatable: bool | None = None,
        makes_content: bool = True,
    ) -> Answer:
        return await self.api.send(
            Call(
                method=method,
                path=f"/repos/{self.full_name}{path}",
                what=what,
                query=query or {},
                json=json,
                media=media,
                accept=accept,
                repository=self.full_name,
                is_repeatable=is_repeatable,
                makes_content=makes_content,
            )
        )

    async def get(self, kind: type[S], path: str, *, what: str, query: Mapping[str, str] | None = None) -> S:
        return read(kind, (await self.send("GET", path, what=what, query=query)).json())

    async def find(self, kind: type[S], path: str, *, what: str) -> S | None:
        """None when there is no such thing."""
        answer = await self.send("GET", path, what=what, accept={FailureKind.NOT_FOUND, FailureKind.GONE})
        return None if answer.failure is not None else read(kind, answer.json())

    async def change(
        self, kind: type[S], method: str, path: str, *, what: str, json: Any, is_repeatable: bool | None = None
    ) -> S:
        return read(kind, (await self.send(method, path, what=what, json=json, is_repeatable=is_repeatable)).json())

    async def pages(
        self, path: str, *, what: str, query: Mapping[str, str] | None = None, page_size: int = _PAGE_SIZE
    ) -> AsyncGenerator[Answer]:
        """One answer after the other, until the last page or the reader has enough."""
        first = {**(query or {}), "per_page": str(page_size)}
        following: Mapping[str, str] | None = first
        for number in range(1, _MOST_PAGES + 1):
            answer = await self.send("GET", path, what=what, query=following)
            yield answer
            following = answer.next_query
            if following is None and answer.is_same and is_full(answer, page_size):
                following = {**first, "page": str(number + 1)}
            if following is None:
                return

    async def each(
        self, kind: type[S], path: str, *, what: str, query: Mapping[str, str] | None = None, within: str | None = None
    ) -> AsyncGenerator[S]:
        """Each item of a list on any number of pages; `within` names the field that holds the list."""
        async for answer in self.pages(path, what=what, query=query):
            for item in items_of(answer, within=within):
                yield read(kind, item)


def is_full(answer: Answer, page_size: int) -> bool:
    """Whether there may be more: a full page does not change when another one begins, so nobody would tell."""
    found = answer.json()
    lists: list[Any] = [found] if isinstance(found, list) else list(cast("dict[str, Any]", found).values())
    return any(isinstance(each, list) and len(cast("list[Any]", each)) >= page_size for each in lists)


def items_of(answer: Answer, *, within: str | None = None) -> list[Any]:
    """The items of one page."""
    found = answer.json()
    if within is not None and isinstance(found, dict):
        found = cast("dict[str, Any]", found).get(within)
    if not isinstance(found, list):
        raise ForgeError("GitHub sent something else than a list")
    return [item for item in cast("list[Any]", found) if item is not None]
