from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adw.kit.errors import ConfigurationError
from adw.kit.paths import DataPaths


def test_everything_lies_below_the_data_directory(tmp_path):
    paths = DataPaths(tmp_path)
    inside = (paths.run, paths.logs, paths.server_file, paths.server_lock, paths.forge_remote("tally-1"))
    assert all(path.is_relative_to(tmp_path) for path in inside)
    assert len(set(inside)) == len(inside)


def test_the_folders_are_made_once_and_are_nobody_elses_business(tmp_path):
    paths = DataPaths(tmp_path / "new" / "data")
    assert paths.ensure() is paths.ensure()
    assert paths.run.stat().st_mode & 0o777 == 0o700
    assert paths.logs.stat().st_mode & 0o777 == 0o700
    assert not (paths.root / ".writable").exists()


def test_many_processes_that_start_at_once_do_not_disturb_each_other(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(lambda _: DataPaths(tmp_path / "data").ensure(), range(200)))) == 200


@pytest.mark.parametrize("place", ["a-file", "a-file/below", "with-file-for-folder"])
def test_a_directory_that_cannot_be_one_is_told_with_advice(tmp_path, place):
    (tmp_path / "a-file").write_text("")
    (tmp_path / "with-file-for-folder").mkdir()
    (tmp_path / "with-file-for-folder" / "run").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written") as refused:
        DataPaths(tmp_path / place).ensure()
    assert "ADW_DATA_DIR" in (refused.value.hint or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_directory_is_told(tmp_path):
    Path(tmp_path).chmod(0o500)
    with pytest.raises(ConfigurationError):
        DataPaths(tmp_path).ensure()
