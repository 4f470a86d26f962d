from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from adw.cli.server.fingerprint import differing, fingerprint
from adw.cli.server.lock import ServerLock, is_locked
from adw.cli.server.record import (
    ServerRecord,
    read_record,
    record_of_this_process,
    remove_record,
    write_record,
)
from adw.kit.settings import Settings, read_settings


def record(**changes: object) -> ServerRecord:
    mine = record_of_this_process(url="http://127.0.0.1:1", token="t", fingerprint={"DATABASE_URL": "x"})
    values = {name: getattr(mine, name) for name in ("url", "token", "pid", "started_at", "fingerprint")}
    return ServerRecord(**(values | changes))


def settings(**variables: str) -> Settings:
    return read_settings(variables, data_dir=Path("/nowhere"))


class TestRecord:
    def test_it_is_read_back_as_it_was_written_by_its_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "server.json"

        write_record(path, record())

        assert read_record(path) == record()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert set(json.loads(path.read_text())) == {"url", "token", "pid", "startedAt", "fingerprint"}
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1}', '{"pid": "x"}'])
    def test_one_that_cannot_be_read_is_none(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "server.json"
        assert read_record(path) is None
        path.write_text(text)

        assert read_record(path) is None

    def test_it_speaks_of_one_process_not_of_a_pid(self) -> None:
        assert record().is_alive
        assert not record(started_at=record().started_at + 1).is_alive

    def test_only_its_writer_removes_it(self, tmp_path: Path) -> None:
        path = tmp_path / "server.json"
        write_record(path, record(token="another's"))

        remove_record(path, record())
        assert path.exists()
        remove_record(path, record(token="another's"))
        assert not path.exists()


class TestFingerprint:
    def test_no_value_can_be_read_from_it(self) -> None:
        given = settings(ANTHROPIC_API_KEY="sk-secret", DATABASE_URL="postgresql://u:pw@h/d")

        made = fingerprint(given, key="token")

        assert not any(value in str(made) for value in ("sk-secret", "pw", "postgresql"))
        assert made["ANTHROPIC_AUTH_TOKEN"] == ""

    @pytest.mark.parametrize(
        ("server", "caller", "names"),
        [
            ({}, {}, []),
            ({"ANTHROPIC_API_KEY": "a"}, {"ANTHROPIC_API_KEY": "a"}, []),
            ({"ANTHROPIC_API_KEY": "a"}, {"ANTHROPIC_API_KEY": "b"}, ["ANTHROPIC_API_KEY"]),
            ({"ANTHROPIC_API_KEY": "a"}, {}, []),
            ({}, {"ANTHROPIC_API_KEY": "a"}, ["ANTHROPIC_API_KEY"]),
            (
                {"ANTHROPIC_API_KEY": "a"},
                {"ANTHROPIC_AUTH_TOKEN": "b"},
                ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
            ),
            ({"DATABASE_URL": "postgresql:///a"}, {}, ["DATABASE_URL"]),
            ({}, {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}, ["ANTHROPIC_BASE_URL"]),
            ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com/"}, {}, []),
        ],
    )
    def test_what_a_caller_contradicts_is_named(
        self, server: dict[str, str], caller: dict[str, str], names: list[str]
    ) -> None:
        theirs, ours = (fingerprint(settings(**each), key="k") for each in (server, caller))

        assert differing(server=theirs, caller=ours) == names


class TestLock:
    def test_one_holder_at_a_time(self, tmp_path: Path) -> None:
        path = tmp_path / "server.lock"
        first, second = ServerLock(path), ServerLock(path)

        assert not is_locked(path)
        assert first.take()
        assert is_locked(path)
        assert not second.take(timeout_s=0.1)
        first.release()
        assert second.take()
        second.release()
        second.release()

    def test_a_killed_holder_gives_it_back(self, tmp_path: Path) -> None:
        path = tmp_path / "server.lock"
        program = (
            "import sys; from pathlib import Path; from adw.cli.server.lock import ServerLock; "
            "lock = ServerLock(Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "True\n"
            assert is_locked(path)

            holder.kill()
            holder.wait()

        assert not is_locked(path)

    def test_children_do_not_inherit_it(self, tmp_path: Path) -> None:
        lock = ServerLock(tmp_path / "server.lock")
        lock.take()
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
            lock.release()

            assert not is_locked(tmp_path / "server.lock")
            child.terminate()
        assert os.getpid() != child.pid
