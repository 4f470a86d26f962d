from __future__ import annotations

import json
from collections import OrderedDict

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.status import Status
from adw.store.json import storable, storable_text

ANYTHING = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner) | st.dictionaries(ANYTHING, inner) | st.tuples(inner),
    max_leaves=10,
)


@given(VALUES)
def test_whatever_json_can_say_can_be_stored_and_read_by_everyone(value):
    stored = storable(value)
    text = json.dumps(stored, allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    assert json.loads(text) == orjson.loads(orjson.dumps(stored))
    assert storable(stored) == stored


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_ordinary_text_is_left_as_it_is(text):
    assert storable_text(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Status.ACTIVE, "active"),
        (OrderedDict(a=(1, 2)), {"a": [1, 2]}),
        ({1: None}, {"1": None}),
        (True, True),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        (float("-inf"), None),
    ],
)
def test_values_become_what_json_has_for_them(value, expected):
    assert storable(value) == expected
