"""Brings a database to the shape this code needs, from empty and from any earlier shape.

The database keeps `min_compatible`, the oldest revision of the code that may still run on it. Migrations first expand
and contract one release later, so older workers go on while newer ones start.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from adw.kit.errors import ConflictError
from adw.store.db import driver_url, unreachable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0017"
"""The newest revision this code knows. Written down, because loading the migrations to ask takes half a second."""
MIN_COMPATIBLE = "0005"
"""The oldest code that can run on a database of this shape."""

_LOCK = "adw.migrations"


class IncompatibleDatabaseError(ConflictError):
    """The database was made for a newer version of this program"""

    code = "incompatible_database"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    """`current` is None for a database without our tables."""

    current: str | None
    head: str
    min_compatible: str | None

    @property
    def is_current(self) -> bool:
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """Whether newer code has been here. It left the tables usable by this code, unless `min_compatible` says no."""
        return self.current is not None and self.current > self.head


def migrate(url: str, *, to: str = "head") -> MigrationStatus:
    """Upgrades the database; harmless when it is current and when many processes do it at once.

    Raises DatabaseError when it cannot be reached, IncompatibleDatabaseError when it needs newer code.
    """
    return _with_connection(url, lambda connection: _migrate(connection, to))


def downgrade(url: str, *, to: str = "base") -> MigrationStatus:
    """Takes migrations back. Data of dropped tables is lost."""
    return _with_connection(url, lambda connection: _downgrade(connection, to))


def status(url: str) -> MigrationStatus:
    return _with_connection(url, _status)


def _with_connection(url: str, work: Callable[[Connection], MigrationStatus]) -> MigrationStatus:
    engine = create_engine(driver_url(url), connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            return work(connection)
    except OperationalError as error:
        raise unreachable(driver_url(url), error) from error
    finally:
        engine.dispose()


def _migrate(connection: Connection, to: str) -> MigrationStatus:
    with _only_one(connection):
        found = _status(connection)
        check_compatible(found)
        if found.is_newer:
            return found
        if not found.is_current:
            from alembic import command

            command.upgrade(_config(connection), to)
        _remember(connection)
        return _status(connection)


@contextmanager
def _only_one(connection: Connection) -> Generator[None]:
    """Processes that migrate at once take turns. The lock outlives transactions: each migration has its own."""
    connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": _LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": _LOCK})
        connection.commit()


def check_compatible(found: MigrationStatus) -> None:
    """Raises IncompatibleDatabaseError when the database needs newer code than this."""
    if found.min_compatible is not None and found.min_compatible > found.head:
        raise IncompatibleDatabaseError(
            f"the database needs version {found.min_compatible} of this program's tables, this one knows {found.head}",
            hint="upgrade this installation, or use another DATABASE_URL",
        )


def _downgrade(connection: Connection, to: str) -> MigrationStatus:
    from alembic import command

    with _only_one(connection):
        command.downgrade(_config(connection), to)
        return _status(connection)


def _remember(connection: Connection) -> None:
    statement = text(
        "INSERT INTO adw_meta (key, value) VALUES ('min_compatible', :value)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE adw_meta.value < excluded.value"
    )
    connection.execute(statement, {"value": MIN_COMPATIBLE})
    connection.commit()


def _status(connection: Connection) -> MigrationStatus:
    """What the database says now; leaves no transaction open, so that each migration can have its own."""
    tables = set(inspect(connection).get_table_names())
    current = oldest = None
    if "adw_alembic_version" in tables:
        current = connection.execute(text("SELECT version_num FROM adw_alembic_version")).scalar()
    if "adw_meta" in tables:
        oldest = connection.execute(text("SELECT value FROM adw_meta WHERE key = 'min_compatible'")).scalar()
    connection.rollback()
    return MigrationStatus(current=current, head=HEAD, min_compatible=oldest)


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("adw.store.migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
