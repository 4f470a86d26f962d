from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from adw.store.db import driver_url
from adw.store.lively import ask_the_idle


@pytest.fixture
def pool(database_url):
    engine = create_engine(driver_url(database_url), pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def pid(pool):
    with pool.connect() as connection:
        return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()


def end(database_url, pid):
    other = create_engine(driver_url(database_url), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


def test_an_idle_connection_that_was_closed_is_replaced(pool, database_url):
    ask_the_idle(pool, idle_s=0.0)
    first = pid(pool)
    end(database_url, first)
    assert pid(pool) != first


def test_one_that_was_just_used_is_not_asked(pool, monkeypatch):
    asked = []
    monkeypatch.setattr(pool.dialect, "do_ping", lambda connection: asked.append(connection) or True)
    ask_the_idle(pool, idle_s=3600.0)
    assert pid(pool) == pid(pool)
    assert asked == []
