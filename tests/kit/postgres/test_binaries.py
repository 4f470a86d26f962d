from __future__ import annotations

import subprocess
import sys

import pytest

from adw.kit.errors import DatabaseError
from adw.kit.postgres import PostgresBinaries, find_binaries


def fake_installation(folder, version):
    folder.mkdir()
    for name in ("postgres", "initdb", "pg_ctl"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_wheel_s_newest_comes_first():
    found = find_binaries()
    assert found.source == "wheel"
    assert found.major == 18
    assert found.version.startswith("18.")


def test_an_older_cluster_gets_its_own_version():
    assert find_binaries(major=16).major == 16


def test_the_wheel_s_python_is_never_imported():
    code = "import sys; from adw.kit.postgres import find_binaries; find_binaries(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "adw.kit.postgres" in loaded
    assert not [name for name in loaded if "pgserver" in name]
    assert "psycopg" not in loaded


def test_without_the_wheel_the_system_s_programs_are_used(tmp_path, monkeypatch):
    folder = fake_installation(tmp_path / "bin", "97.1 (Debian 97.1-1)")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert find_binaries() == PostgresBinaries(bin_dir=folder, version="97.1", source="system")
    assert find_binaries().major == 97


def test_a_development_version_has_a_major_version(tmp_path, monkeypatch):
    folder = fake_installation(tmp_path / "bin", "97devel")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert find_binaries().major == 97


@pytest.mark.parametrize("break_it", ["missing", "nonsense", "not a program"])
def test_a_broken_installation_is_passed_over(tmp_path, monkeypatch, break_it):
    folder = fake_installation(tmp_path / "bin", "97.1")
    if break_it == "missing":
        (folder / "initdb").unlink()
    elif break_it == "nonsense":
        (folder / "postgres").write_text("#!/bin/sh\necho hello\n")
    else:
        (folder / "postgres").write_bytes(b"\x7fELF")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    with pytest.raises(DatabaseError):
        find_binaries(major=97)


def test_without_any_the_error_says_what_to_do():
    with pytest.raises(DatabaseError, match="No PostgreSQL 99") as caught:
        find_binaries(major=99)
    assert "DATABASE_URL" in caught.value.hint
