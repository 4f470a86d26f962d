from __future__ import annotations

import pytest

from adw.agents.scripted_model.numbers import check_numbers, holds


@pytest.mark.parametrize(
    ("spec", "inside", "outside"),
    [
        (2, [2], [1, 3]),
        ([0, 3], [0, 3], [1, 2, 4]),
        ("1..3", [1, 2, 3], [0, 4]),
        ("2..", [2, 99], [0, 1]),
        ("..2", [0, 2], [3]),
    ],
)
def test_a_set_of_numbers_holds_what_it_says(spec, inside, outside):
    assert check_numbers(spec) == spec
    assert [n for n in [*inside, *outside] if holds(spec, n)] == inside


@pytest.mark.parametrize("spec", ["..", "", "three", "1..x", "-1..2", True, 1.5, None, [1, "2"], [True]])
def test_anything_else_is_refused_with_an_example(spec):
    with pytest.raises(ValueError, match=r"range such as"):
        check_numbers(spec)
