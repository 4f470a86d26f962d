from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from tests.conftest import DatabaseServer

from adw.kit.errors import ConfigurationError, DatabaseError
from adw.store import migrations
from adw.store.db import driver_url
from adw.store.migrations import HEAD, IncompatibleDatabaseError, downgrade, migrate, status
from adw.store.tables.catalogue import metadata
from adw.store.tables.types import Xid8

DEADLINE_S = 60
FOLDER = Path(migrations.__file__).parent
REVISIONS = sorted(path.name.split("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


@pytest.fixture(scope="session")
def migrations_server(database_server: DatabaseServer) -> str:
    return database_server.url_of("postgres")


@pytest.fixture
def empty_url(migrations_server: str) -> str:
    """The URL of a database of this test's own, with nothing in it."""
    name = f"m{uuid4().hex}"
    with connected(migrations_server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(driver_url(migrations_server)).set(database=name).render_as_string(hide_password=False)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(driver_url(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def tables_in(url: str) -> set[str]:
    with connected(url) as connection:
        return set(inspect(connection).get_table_names())


def difference(url: str, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What Alembic would still change. The inspector does not know `xid8` by itself."""
    monkeypatch.setitem(ischema_names, "xid8", Xid8)
    with connected(url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": "adw_alembic_version"}
        )
        return list(compare_metadata(context, metadata))


def test_an_empty_database_is_brought_to_the_shape_of_the_tables(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    assert status(empty_url).current is None
    done = migrate(empty_url)
    assert done.is_current
    assert done.current == HEAD == REVISIONS[-1]
    assert difference(empty_url, monkeypatch) == []


def test_migrating_again_changes_nothing(empty_url: str):
    first = migrate(empty_url)
    assert migrate(empty_url) == first


def test_down_to_nothing_and_up_again(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    migrate(empty_url)
    assert downgrade(empty_url).current is None
    assert tables_in(empty_url) <= {"adw_alembic_version"}
    with connected(empty_url) as connection:
        left = connection.execute(text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).all()
    assert left == []
    migrate(empty_url)
    assert difference(empty_url, monkeypatch) == []


def test_each_step_can_be_taken_back_and_repeated(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    for revision in REVISIONS:
        migrate(empty_url, to=revision)
        before = tables_in(empty_url)
        downgrade(empty_url, to="-1")
        migrate(empty_url, to=revision)
        assert tables_in(empty_url) == before
    assert difference(empty_url, monkeypatch) == []


def test_the_revisions_form_one_line():
    script = ScriptDirectory(str(FOLDER))
    assert script.get_bases() == [REVISIONS[0]]
    assert script.get_heads() == [REVISIONS[-1]]


def test_processes_that_migrate_at_once_take_turns(empty_url: str):
    program = "import sys; from adw.store.migrations import migrate; print(migrate(sys.argv[1]).current)"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=DEADLINE_S) for process in running]
    assert [(process.returncode, out.strip()) for process, (out, _) in zip(running, said, strict=True)] == [
        (0, HEAD)
    ] * 2, said


def test_a_migration_that_dies_half_way_is_repeated_whole(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    """The first migration is cut off at its last table: nothing of it may stay."""
    with connected(empty_url) as other:
        other.execute(text(_CUT_OFF))
        with pytest.raises(Exception, match="cut off"):
            migrate(empty_url)
        assert tables_in(empty_url) <= {"adw_alembic_version"}
        other.execute(text("DROP EVENT TRIGGER cut_off"))
        other.execute(text("DROP FUNCTION cut_off()"))
    assert migrate(empty_url).is_current
    assert difference(empty_url, monkeypatch) == []


_CUT_OFF = """
CREATE FUNCTION cut_off() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
    FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands() LOOP
        IF made.object_identity = 'public.adw_workflow_events' THEN
            RAISE EXCEPTION 'cut off';
        END IF;
    END LOOP;
END $$;
CREATE EVENT TRIGGER cut_off ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION cut_off();
"""


def test_a_database_that_needs_newer_code_is_refused_with_advice(empty_url: str):
    migrate(empty_url)
    with connected(empty_url) as connection:
        connection.execute(text("UPDATE adw_meta SET value = '9999' WHERE key = 'min_compatible'"))
    with pytest.raises(IncompatibleDatabaseError, match="9999") as caught:
        migrate(empty_url)
    assert caught.value.code == "incompatible_database"
    assert "upgrade" in (caught.value.hint or "")


def test_a_newer_database_that_still_suits_this_code_is_left_as_it_is(empty_url: str):
    migrate(empty_url)
    with connected(empty_url) as connection:
        connection.execute(text("UPDATE adw_alembic_version SET version_num = '9998'"))
    found = migrate(empty_url)
    assert found.current == "9998"
    assert found.min_compatible is not None


def test_another_kind_of_database_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="mysql") as caught:
        migrate("mysql://root@127.0.0.1/adw")
    assert "postgresql://" in (caught.value.hint or "")


def test_a_database_that_does_not_answer_is_a_clear_error_without_the_password():
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1") as caught:
        migrate("postgresql://person:secret@127.0.0.1:1/adw")
    assert "secret" not in str(caught.value)
