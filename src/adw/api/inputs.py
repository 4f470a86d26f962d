"""What routes are given: services, ids resolved from their beginnings, keys, lists, cursors."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Header, Path, Query, Request
from pydantic import BeforeValidator, ValidatorFunctionWrapHandler, WrapValidator

from adw.api.idempotency import ABOUT, MAX_CHARS, PATTERN
from adw.api.paths import check_path
from adw.api.services import ApiServices
from adw.api.wire import MAX_INTEGER
from adw.domain.access import Principal
from adw.domain.project import Project
from adw.kit.errors import NotFoundError
from adw.store.projects import find_project
from adw.store.workflows import resolve_prefix


async def _services(request: Request) -> ApiServices:
    return request.app.state.services


async def _caller(request: Request) -> Principal:
    return request.state.principal


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_ID = re.compile(r"[0-9a-f]{8}")
_NUMBER = re.compile(r"\s*[-+]?[0-9_]*\.?[0-9_]+\s*")

BY_PATH = "-"
"""Stands for a project's reference in an address when the project is named by `?path=`."""

Services: TypeAlias = Annotated[ApiServices, Depends(_services)]


Caller: TypeAlias = Annotated[Principal, Depends(_caller)]
"""Who was let in."""


async def _resolved(
    services: Services, adw_id: Annotated[str, Path(description="A workflow's id, or a unique beginning of it")]
) -> str:
    async with services.database.read() as connection:
        return await resolve_prefix(connection, adw_id)


async def _named(
    services: Services, adw_id: Annotated[str, Path(description="A workflow's id, or a unique beginning of it")]
) -> str:
    return adw_id if _WHOLE_ID.fullmatch(adw_id) else await _resolved(services, adw_id)


async def _project(
    services: Services,
    reference: Annotated[str, Path(max_length=300, description="A project's id or name, or `-` with `path`")],
    path: Annotated[str | None, Query(max_length=4096, description="With `-`: the repository's absolute path")] = None,
) -> Project:
    if (reference == BY_PATH) != (path is not None):
        raise NotFoundError(
            "a project is named either in the address or by `path`", hint="use `-` together with `?path=`"
        )
    wanted = reference
    if path is not None:
        wanted = os.path.realpath(check_path(path)) if path.startswith("/") else path
    async with services.database.read() as connection:
        return await find_project(connection, wanted)


async def _key(
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=MAX_CHARS, pattern=PATTERN, description=ABOUT),
    ] = None,
) -> str | None:
    """In a form that every forge can keep, apart from the keys of our own effects."""
    return None if idempotency_key is None else f"api:{hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]}"


def _split(value: Any) -> Any:
    """`a,b` and `a` repeated mean the same."""
    if isinstance(value, list):
        return [part for item in value for part in str(item).split(",") if part]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # checked by pydantic afterwards
    return value


def _moment(value: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:
    """Numbers are not taken for seconds since 1970: whoever sends one meant something else."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("write the moment as a date, such as 2026-05-01T10:00:00Z")
    moment: datetime | None = read(value)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def nothing() -> list[Any]:
    """What a list holds that is not given. `list` itself would have its signature parsed for every request."""
    return []


AdwId: TypeAlias = Annotated[str, Depends(_resolved)]
"""The full id of the workflow in the path, which exists."""
WholeAdwId: TypeAlias = Annotated[str, Depends(_named)]
"""The same for routes that look by themselves whether there is one: it saves them a look."""
CommaSeparated = BeforeValidator(_split)
InUtc = WrapValidator(_moment)
"""A moment that names no zone is one of UTC."""
OfProject: TypeAlias = Annotated[Project, Depends(_project)]
"""The project in the path."""
IdempotencyKey: TypeAlias = Annotated[str | None, Depends(_key)]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200)]
PageCursor: TypeAlias = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,16}-[0-9a-f]{8}$", description="`nextCursor` of the page before")
]
PathNumber: TypeAlias = Annotated[int, Path(ge=1, le=MAX_INTEGER)]


def cursor_of(created_at: datetime, adw_id: str) -> str:
    """Where a page of a list ended; what it is made of is nobody's business."""
    return f"{(created_at - _EPOCH) // timedelta(microseconds=1)}-{adw_id}"


def parse_cursor(text: str | None) -> tuple[datetime, str] | None:
    """Of one that has the form of `PageCursor`."""
    if text is None:
        return None
    microseconds, _, adw_id = text.partition("-")
    return _EPOCH + timedelta(microseconds=int(microseconds)), adw_id
