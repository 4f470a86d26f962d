from __future__ import annotations

import psycopg

from adw.kit.errors import ExitCode


def test_a_backup_brings_everything_back(adw, database_url: str, tmp_path) -> None:
    file = str(tmp_path / "all.backup")
    variables = {"DATABASE_URL": database_url}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO projects (id, name, forge, source, base_branch) VALUES ('p','p','local','/p','main')"
        )
        saved = adw("db", "backup", file, **variables)
        connection.execute("DELETE FROM projects")

    restored = adw("db", "restore", file, "--yes", **variables)

    assert (saved.returncode, restored.returncode) == (ExitCode.OK, ExitCode.OK), saved.stderr + restored.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id FROM projects").fetchall() == [("p",)]


def test_a_file_that_is_no_backup_changes_nothing(adw, database_url: str, tmp_path) -> None:
    file = tmp_path / "other"
    file.write_text("not a backup")

    done = adw("db", "restore", str(file), "--yes", DATABASE_URL=database_url)

    assert done.returncode == ExitCode.FAILED
    assert "pg_restore failed" in done.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM adw_workflows").fetchone() == (0,)


def test_psql_opens_on_the_database(adw, database_url: str) -> None:
    done = adw("db", "shell", "-Atc", "SELECT 40 + 2", DATABASE_URL=database_url)

    assert done.stdout == "42\n", done.stderr
