"""Root, ordinary users, and users without a name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from adw.kit.errors import DatabaseError
from adw.kit.postgres import EmbeddedPostgres, PostgresBinaries, discard, find_binaries

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def start_and_ask(data_dir):
    def run():
        with EmbeddedPostgres(data_dir=data_dir) as postgres, psycopg.connect(postgres.start()) as connection:
            return connection.execute("SELECT 'answered'").fetchone()[0]

    return run


@pytest.fixture
def closed(short_dir):
    """A folder that only root can enter, as /root is."""
    folder = short_dir / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_an_ordinary_user_has_everything_in_the_data_directory(short_dir, as_user):
    mine = short_dir / "mine"
    mine.mkdir(mode=0o700)
    shutil.chown(mine, "nobody")
    assert as_user(start_and_ask(mine)) == "answered"
    assert (mine / "postgres" / "data" / "PG_VERSION").exists()
    # The same directory serves root, who leaves nothing in it that its owner could not use.
    assert start_and_ask(mine)() == "answered"
    assert as_user(start_and_ask(mine)) == "answered"


def test_a_data_directory_that_an_ordinary_user_cannot_write_is_a_clear_error(short_dir, as_user):
    folder = short_dir / "readonly"
    folder.mkdir(mode=0o755)
    said = as_user(start_and_ask(folder))
    assert said.startswith("DatabaseError: The database cannot use")
    assert "Permission denied" in said
    assert "choose another ADW_DATA_DIR" in said


def test_a_user_without_a_name_is_told_to_bring_a_server(short_dir, as_user):
    folder = short_dir / "anonymous"
    folder.mkdir(mode=0o700)
    os.chown(folder, 54321, 54321)
    said = as_user(start_and_ask(folder), uid=54321, gid=54321)
    assert "User id 54321 has no name on this system" in said
    assert "DATABASE_URL" in said


@needs_root
def test_for_root_the_server_runs_as_someone_else(postgres):
    assert Path(f"/proc/{postgres.status().pid}").stat().st_uid != 0


@needs_root
def test_below_a_closed_folder_the_cluster_lives_elsewhere_and_stays_there(short_dir, closed, query):
    shared = short_dir / "shared"
    with EmbeddedPostgres(data_dir=closed / "d", shared_folder=shared) as postgres:
        query(postgres.start(), "CREATE TABLE kept AS SELECT 42 AS n")
        home = postgres.status().data.parent
    assert home.parent == shared
    assert closed.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700
    assert (closed / "d" / "postgres" / "location").read_text().strip() == str(home)
    closed.chmod(0o711)
    with EmbeddedPostgres(data_dir=closed / "d") as postgres:
        assert query(postgres.start(), "SELECT n FROM kept") == [(42,)]


@needs_root
def test_a_data_directory_made_anew_does_not_find_its_predecessor_s_data(short_dir, closed):
    first = EmbeddedPostgres(data_dir=closed / "d", shared_folder=short_dir / "shared").status()
    shutil.rmtree(closed / "d")
    second = EmbeddedPostgres(data_dir=closed / "d", shared_folder=short_dir / "shared").status()
    assert first.data != second.data
    assert second.version is None


@needs_root
def test_a_cluster_that_lives_elsewhere_goes_with_its_data_directory(short_dir, closed):
    shared = short_dir / "shared"
    with EmbeddedPostgres(data_dir=closed / "d", shared_folder=shared) as postgres:
        postgres.start()
    assert len(list(shared.iterdir())) == 1
    discard(closed / "d", shared_folders=[shared])
    assert list(shared.iterdir()) == []


@needs_root
def test_only_what_lies_in_a_folder_of_ours_is_discarded(short_dir, closed):
    home = short_dir / "elsewhere" / "d-1"
    home.mkdir(parents=True)
    (closed / "d" / "postgres").mkdir(parents=True)
    (closed / "d" / "postgres" / "location").write_text(f"{home}\n")
    discard(closed / "d", shared_folders=[short_dir / "shared"])
    assert home.is_dir()


@needs_root
def test_a_cluster_that_was_closed_off_later_is_not_opened_up(short_dir, data_dir):
    short_dir.chmod(0o700)
    with pytest.raises(DatabaseError, match="cannot reach that folder"):
        EmbeddedPostgres(data_dir=data_dir).start()
    assert short_dir.stat().st_mode & 0o777 == 0o700
    short_dir.chmod(0o711)


@needs_root
def test_root_is_not_led_astray_by_a_location_that_is_not_root_s(data_dir):
    location = data_dir / "postgres" / "location"
    location.write_text("/etc\n")
    shutil.chown(location, "nobody")
    with pytest.raises(DatabaseError, match="is kept for user id"):
        EmbeddedPostgres(data_dir=data_dir).start()


@needs_root
def test_a_shared_folder_that_others_can_write_is_refused(short_dir, closed):
    shared = short_dir / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(DatabaseError, match="not a private folder of ours"):
        EmbeddedPostgres(data_dir=closed / "d", shared_folder=shared).start()


@needs_root
def test_without_any_folder_for_the_server_root_is_told_what_to_do(short_dir, closed):
    with pytest.raises(DatabaseError, match="no folder where") as caught:
        EmbeddedPostgres(data_dir=closed / "d", shared_folder=closed / "shared").start()
    assert "DATABASE_URL" in caught.value.hint


@needs_root
def test_programs_that_the_server_s_user_cannot_reach_are_copied(short_dir, closed, data_dir, query):
    original = find_binaries()
    package = original.bin_dir.parent.parent
    skip = shutil.ignore_patterns("pginstall16", "include", "*.a", "*.py")
    shutil.copytree(package, closed / package.name, symlinks=True, ignore=skip)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name, symlinks=True)
    hidden = PostgresBinaries(
        bin_dir=closed / package.name / original.bin_dir.parent.name / "bin",
        version=original.version,
        source=original.source,
    )
    for _ in range(2):
        with EmbeddedPostgres(data_dir=data_dir, binaries=hidden, shared_folder=short_dir / "shared") as postgres:
            assert query(postgres.start(), "SELECT 1") == [(1,)]
            program = Path(f"/proc/{postgres.status().pid}/exe").readlink()
            assert program.is_relative_to(short_dir / "shared")
    assert len(list((short_dir / "shared").iterdir())) == 1
    assert closed.stat().st_mode & 0o777 == 0o700
