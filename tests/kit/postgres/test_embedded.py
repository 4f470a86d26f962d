"""Everyday use: who starts the server, who stops it, what it is like."""

from __future__ import annotations

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from adw.kit.errors import DatabaseError
from adw.kit.postgres import EmbeddedPostgres


def test_the_first_start_makes_a_durable_database_behind_a_private_socket(short_dir, query):
    with EmbeddedPostgres(data_dir=short_dir / "new") as postgres:
        status = postgres.status()
        settings = dict(query(status.url, "SELECT name, setting FROM pg_settings"))
        assert {settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
        assert settings["listen_addresses"] == ""
        assert settings["data_checksums"] == "on"
        assert settings["max_connections"] == "200"
        assert settings["server_encoding"] == "UTF8"
        assert query(status.url, "SELECT current_database(), current_user") == [("adw", "adw")]
        socket_dir = status.data.parent / "socket"
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(status.data.stat().st_mode) == 0o700
        assert status.running
        assert status.version == 18
    assert not postgres.status().running


def test_the_environment_of_the_caller_does_not_lead_the_url_astray(postgres, query, monkeypatch):
    for name, value in {"PGPORT": "1", "PGUSER": "x", "PGDATABASE": "x", "PGHOST": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    assert query(postgres.start(), "SELECT current_database()") == [("adw",)]


def test_a_repeated_start_changes_nothing(postgres):
    before = postgres.status()
    assert postgres.start() == before.url
    assert postgres.status() == before


def test_the_last_user_stops_the_server_and_only_the_last(postgres, data_dir, user_process):
    other = user_process(data_dir)
    url = other.stdout.readline().strip()
    assert url == postgres.status().url
    postgres.close()
    assert postgres.status().running
    other.stdin.close()
    assert other.wait(30) == 0
    assert not postgres.status().running


def test_two_users_in_one_process_count_as_two(postgres, data_dir):
    second = EmbeddedPostgres(data_dir=data_dir)
    second.start()
    second.close()
    assert postgres.status().running
    second.close()
    assert postgres.status().running


def test_data_outlives_a_stop(postgres, query):
    query(postgres.start(), "CREATE TABLE kept AS SELECT 42 AS n")
    postgres.close()
    assert query(postgres.start(), "SELECT n FROM kept") == [(42,)]


def test_stop_ends_the_server_though_others_use_it_and_start_brings_it_back(postgres, data_dir, query):
    second = EmbeddedPostgres(data_dir=data_dir)
    url = second.start()
    with psycopg.connect(url) as connection:
        assert postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not postgres.stop()
    assert query(second.start(), "SELECT 1") == [(1,)]
    second.close()
    assert not second.status().running


def test_threads_may_start_at_once(data_dir):
    postgres = EmbeddedPostgres(data_dir=data_dir)
    with ThreadPoolExecutor(4) as pool:
        assert len({future.result() for future in [pool.submit(postgres.start) for _ in range(4)]}) == 1
    postgres.close()


def test_eight_processes_may_start_first_at_once(short_dir, user_process):
    users = [user_process(short_dir / "new") for _ in range(8)]
    assert len({user.stdout.readline() for user in users}) == 1
    for user in users:
        user.stdin.close()
    assert {user.wait(60) for user in users} == {0}
    assert not EmbeddedPostgres(data_dir=short_dir / "new").status().running


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(short_dir, data_dir, query):
    deep = short_dir / ("long" * 20) / ("längér path" * 4)
    deep.mkdir(parents=True)
    (data_dir / "postgres").rename(deep / "postgres")
    with EmbeddedPostgres(data_dir=deep) as postgres:
        assert query(postgres.start(), "SELECT 1") == [(1,)]
        with psycopg.connect(postgres.start()) as connection:
            socket_dir = connection.info.host
        assert len(socket_dir) < 80
        assert stat.S_IMODE(shutil.os.stat(socket_dir).st_mode) == 0o700
    shutil.rmtree(socket_dir)


def test_a_short_socket_folder_of_someone_else_is_refused(short_dir, data_dir):
    deep = short_dir / ("long" * 30)
    deep.mkdir()
    (data_dir / "postgres").rename(deep / "postgres")
    with EmbeddedPostgres(data_dir=deep) as postgres, psycopg.connect(postgres.start()) as connection:
        socket_dir = connection.info.host
    shutil.os.chmod(socket_dir, 0o777)
    with pytest.raises(DatabaseError, match="not a private folder of ours"):
        EmbeddedPostgres(data_dir=deep).start()
    shutil.rmtree(socket_dir)


def test_a_place_that_cannot_be_written_is_a_clear_error(short_dir):
    (short_dir / "file").touch()
    with pytest.raises(DatabaseError, match="Not a directory") as caught:
        EmbeddedPostgres(data_dir=short_dir / "file" / "d").start()
    assert "choose another ADW_DATA_DIR" in caught.value.hint


def test_a_folder_that_holds_something_else_is_not_touched(short_dir):
    precious = short_dir / "d" / "postgres" / "data" / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(DatabaseError, match="is not empty and no database"):
        EmbeddedPostgres(data_dir=short_dir / "d").start()
    assert precious.exists()


def test_a_damaged_cluster_is_named(data_dir):
    version = data_dir / "postgres" / "data" / "PG_VERSION"
    version.write_text("x")
    with pytest.raises(DatabaseError, match="damaged"):
        EmbeddedPostgres(data_dir=data_dir).start()


def test_a_cluster_of_another_version_says_which_is_missing(data_dir):
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("99\n")
    with pytest.raises(DatabaseError, match="No PostgreSQL 99 was found") as caught:
        EmbeddedPostgres(data_dir=data_dir).start()
    assert "DATABASE_URL" in caught.value.hint


def test_a_server_that_does_not_start_says_why(data_dir):
    with (data_dir / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseError, match="no_such_setting") as caught:
        EmbeddedPostgres(data_dir=data_dir).start()
    assert "server.log" in caught.value.hint


def test_a_database_that_was_dropped_is_made_again(postgres, query):
    url = postgres.start()
    query(url.replace("/adw?", "/postgres?"), "DROP DATABASE adw WITH (FORCE)")
    assert query(postgres.start(), "SELECT current_database()") == [("adw",)]


def test_a_log_does_not_grow_for_ever(data_dir):
    log = data_dir / "postgres" / "server.log"
    with log.open("ab") as file:
        file.truncate(11_000_000)
    with EmbeddedPostgres(data_dir=data_dir):
        assert log.stat().st_size < 1_000_000
        assert log.with_suffix(".log.1").exists()
