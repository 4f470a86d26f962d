from __future__ import annotations

import pytest

from adw.cli.moments import read_moment
from adw.kit.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (None, None),
        ("2026-05-01", "2026-05-01T00:00:00"),
        (" 2026-05-01T10:30 ", "2026-05-01T10:30:00"),
        ("2026-05-01T10:30:00+02:00", "2026-05-01T10:30:00+02:00"),
    ],
)
def test_a_date_or_a_moment_is_read(typed, read):
    assert read_moment(typed) == read
    assert read_moment(read) == read


@pytest.mark.parametrize("typed", ["", "soon", "01.05.2026", "2026-13-01"])
def test_what_is_no_date_is_refused_with_an_example(typed):
    with pytest.raises(UsageError, match="is not a date") as refused:
        read_moment(typed)
    assert "--since 2026-05-01" in str(refused.value.hint)
