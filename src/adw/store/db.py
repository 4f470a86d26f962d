"""Connections to PostgreSQL: one pool a process, and transactions that wake listeners once they have committed."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeAlias

import orjson
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from adw.kit.errors import ConfigurationError, DatabaseError
from adw.store.deltas import Deltas
from adw.store.lively import ask_the_idle
from adw.store.notify import Notifier
from adw.store.touched import clear_touched, is_work_touched, touched_by

Connection: TypeAlias = AsyncConnection
"""A connection inside a transaction, for those who pass it on without knowing the driver."""

STALL_S = 10.0
"""How long a transaction may stand still before the server ends it: as long as a worker may be silent before its work
is given to another one, who must not find that work locked by a process that is stopped."""

_PASSWORD = re.compile(r"(?<=[?&])password=[^&]*")
_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")


class Database:
    """The database as one process uses it. `begin` is for writing, `read` and `look` are for looking."""

    def __init__(self, url: str, *, pool_size: int = 8, stall_s: float = STALL_S) -> None:
        self.url = driver_url(url)
        self.stall_s = stall_s
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=2 * pool_size,
            max_overflow=0,
            pool_use_lifo=True,  # connections beyond the usual number stay idle rather than be made again and again
            connect_args={"application_name": "adw"},
            json_deserializer=orjson.loads,
            skip_autocommit_rollback=True,
        )
        self._looking = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        ask_the_idle(self.engine.sync_engine)
        end_stalled_transactions(self.engine.sync_engine, after_s=stall_s)
        self.notifier = Notifier(self.engine)
        self.deltas = Deltas(self.engine)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction, committed when the block ends well."""
        async with self._reachable(), self.engine.begin() as connection:
            clear_touched(connection)
            yield connection
            touched, is_work = touched_by(connection), is_work_touched(connection)
        self.notifier.mark(touched, is_work=is_work)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A connection for queries; whatever it wrote is rolled back."""
        async with self._reachable(), self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def look(self) -> AsyncGenerator[AsyncConnection]:
        """A connection for one or two queries that are asked all day, each a transaction of its own: to begin one and
        to end it would be as many round trips to the server again. Locks and writing are not for it.
        """
        async with self._reachable(), self._looking.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises DatabaseError unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.deltas.close()
        await self.notifier.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def _reachable(self) -> AsyncGenerator[None]:
        try:
            yield
        except OperationalError as error:
            raise unreachable(self.url, error) from error
        except InternalError as error:
            if isinstance(error.orig, IdleInTransactionSessionTimeout):
                raise unreachable(self.url, error) from error
            raise
        except NoConnectionFreeError as error:
            raise DatabaseError("all connections to the database are in use", hint="try again in a moment") from error


def end_stalled_transactions(engine: Engine, *, after_s: float = STALL_S) -> None:
    """Lets the server end whatever transaction of this pool stands still for so long, with all its locks."""
    limit = f"SET idle_in_transaction_session_timeout = {int(after_s * 1000)}"

    def set_limit(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(limit)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", set_limit)


def driver_url(url: str) -> str:
    """The URL as SQLAlchemy wants it for psycopg 3. Other databases are refused by name."""
    for scheme in _SCHEMES:
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    raise ConfigurationError(
        f"DATABASE_URL names a database other than PostgreSQL: {url.split(':', 1)[0]!r}",
        hint="use a URL such as postgresql://user:password@host:5432/adw, or unset it for the embedded database",
    )


def unreachable(url: str, error: DBAPIError) -> DatabaseError:
    """The error a person sees when PostgreSQL does not answer; the password is left out."""
    place = _PASSWORD.sub("", url.rsplit("@", 1)[-1].removeprefix("postgresql+psycopg://"))
    reason = next(iter(str(error.orig).strip().splitlines()), "no reason given")
    return DatabaseError(
        f"the database at {place} cannot be used: {reason}",
        hint="check that PostgreSQL runs and that DATABASE_URL is right, or unset it for the embedded database",
    )
