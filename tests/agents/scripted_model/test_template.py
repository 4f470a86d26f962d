from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.agents.scripted_model.template import MissingValueError, names_in, render


def test_names_are_filled_in_wherever_strings_are():
    value = {"path": "${cwd}/a.py", "edits": [{"text": "${cwd}"}, 3, None, True]}
    assert render(value, values={"cwd": "/w"}) == {"path": "/w/a.py", "edits": [{"text": "/w"}, 3, None, True]}


def test_braces_of_code_stay_as_they_are():
    code = 'f"{total}" + "{}".format($x) + {"a": {1}} + "$ {cwd}" + ${1} + ${a.b}'
    assert render(code, values={}) == code


def test_a_doubled_dollar_keeps_the_text_itself():
    assert names_in("$${HOME}") == set()
    assert render("$${HOME} ${cwd}", values={"cwd": "/w"}) == "${HOME} /w"


def test_filled_in_text_is_not_filled_in_again():
    assert render("${a}", values={"a": "${b}", "b": "no"}) == "${b}"


def test_a_name_without_a_value_is_an_error():
    with pytest.raises(MissingValueError, match="cwd"):
        render("${cwd}", values={"cwd": None})


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_text_without_dollars_never_changes(text):
    assert render(text, values={}) == text
    assert names_in(text) == set()
