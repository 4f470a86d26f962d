"""Pools that ask an idle connection whether it lives before they hand it out.

Asking each time would double the questions to the server; one that answered a moment ago lives, and where it does not
after all, the transaction fails as it does when the server goes away in its middle.
"""

from __future__ import annotations

import time

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

IDLE_S = 1.0
"""How long after its last use a connection counts as alive without being asked."""

_USED = "adw_used_s"


def ask_the_idle(engine: Engine, *, idle_s: float = IDLE_S) -> None:
    """With one dead connection found, all that are older are replaced: they were of the same server."""
    dialect = engine.dialect

    def returned(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        used_s = record.info.get(_USED)
        if used_s is None or time.monotonic() - used_s < idle_s:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the server has closed an idle connection") from error

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)
