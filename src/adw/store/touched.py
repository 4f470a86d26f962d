"""Which workflows a transaction has written events for. Kept on the connection until it commits."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

_KEY = "adw_touched"
_WORK = "adw_touched_work"


def clear_touched(connection: AsyncConnection) -> None:
    _info(connection)[_KEY] = set()
    _info(connection)[_WORK] = set()


def touch(connection: AsyncConnection, adw_id: str, *, is_work: bool) -> None:
    """`is_work`: what was written may let some workflow begin or go on."""
    _info(connection).setdefault(_KEY, set()).add(adw_id)
    if is_work:
        _info(connection).setdefault(_WORK, set()).add(adw_id)


def touched_by(connection: AsyncConnection) -> frozenset[str]:
    return frozenset(_info(connection).get(_KEY, set()))


def is_work_touched(connection: AsyncConnection) -> bool:
    return bool(_info(connection).get(_WORK))


def _info(connection: AsyncConnection) -> dict[str, set[str]]:
    sync = connection.sync_connection
    assert sync is not None, "the connection is open"  # noqa: S101 # only an open connection is ever handed out
    return cast("dict[str, set[str]]", sync.info)
