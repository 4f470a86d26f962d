from __future__ import annotations

from pathlib import Path

import pytest

from adw.workspace.commands.identity import Locator, clean_text, clip, join_id


def test_paths_are_relative_to_the_project_by_either_of_its_names(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    locator = Locator(tmp_path / "link")
    assert locator.relative(f"{tmp_path}/real/a.py") == "a.py"
    assert locator.relative(f"{tmp_path}/link/a.py") == "a.py"
    assert locator.relative("a.py") == "a.py"
    assert locator.relative(f"{tmp_path}/reality/a.py") == f"{tmp_path}/reality/a.py"


def test_an_id_needs_no_place_that_says_nothing():
    assert (join_id("f", "n"), join_id("", "n"), join_id("n", "n"), join_id("f", "")) == ("f::n", "n", "n", "f")


def test_clipping_removes_colours():
    assert clip("\x1b[31mred\x1b[0m ") == "red"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_database_takes_is_made_storable(text: str):
    assert "\x00" not in clean_text(text)
    assert clean_text(text).encode()
