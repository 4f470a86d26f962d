from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.workspace.commands.identity import Locator, clean_text, clip, fill, join_id


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


def test_a_template_is_filled_with_quoted_parts():
    line = fill("run {id} | {file} -t {name} {leaf}", test_id="src/a.ts::sum > it's ok")
    assert shlex.split(line) == ["run", "src/a.ts::sum > it's ok", "|", "src/a.ts", "-t", "^sum.+it.s.ok$", "it.s.ok$"]


def test_a_test_without_a_file_leaves_no_empty_argument():
    assert shlex.split(fill("run {file} -t {name}", test_id="adds")) == ["run", "-t", "^adds$"]


@given(st.text(min_size=1).filter(lambda text: "::" not in text and " > " not in text))
def test_patterns_match_their_name_and_need_no_quoting(name: str):
    pattern = shlex.split(fill("{name}", test_id=name))[0]
    assert re.fullmatch(r"\^[A-Za-z0-9.]*\$", pattern)
    units = "".join(character if ord(character) < 0x10000 else "xx" for character in name)
    assert re.compile(pattern, re.DOTALL).match(units)


@given(st.text(), st.text())
def test_nothing_in_an_id_escapes_its_quotes(place: str, name: str):
    test_id = f"{place}::{name}"
    assert shlex.split(fill("{id}", test_id=test_id)) == [test_id]


def test_a_test_named_like_a_placeholder_stays_what_it_is():
    assert shlex.split(fill("{id}", test_id="a::{file}")) == ["a::{file}"]


def test_clipping_removes_colours():
    assert clip("\x1b[31mred\x1b[0m ") == "red"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_database_takes_is_made_storable(text: str):
    assert "\x00" not in clean_text(text)
    assert clean_text(text).encode()
