from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.effect_key import check_key, mark, unmark
from adw.kit.errors import UsageError

KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/@]{0,30}(-[a-z0-9]{1,5}){0,3}", fullmatch=True)


@given(body=st.text(), key=KEYS)
def test_what_is_marked_can_be_told_apart_again(body: str, key: str) -> None:
    as_read = f"{body}\n".replace("\r\n", "\n")[:-1]
    assert unmark(mark(body, key=key)) == (as_read, key)


@given(body=st.text(), inner=KEYS)
def test_without_a_key_no_text_can_pose_as_ours(body: str, inner: str) -> None:
    posing = mark(body, key=inner)
    assert unmark(mark(posing, key=None)) == (posing.replace("\r\n", "\n"), None)


@given(body=st.text(), inner=KEYS, key=KEYS)
def test_only_the_last_marker_counts(body: str, inner: str, key: str) -> None:
    assert unmark(mark(mark(body, key=inner), key=key))[1] == key


@pytest.mark.parametrize("body", ["", "hello", "<!-- a comment -->", "trailing\n\n"])
def test_text_without_marker_syntax_and_key_stays_as_it_is(body: str) -> None:
    assert mark(body, key=None) == body
    assert unmark(body) == (body, None)


@pytest.mark.parametrize(
    "text", ["x\n<!-- adw:key=k -->", "x\n\n<!-- adw:key=k -->\n", "x\n\n<!-- adw:key=k --> y", "<!-- adw:key=k -->"]
)
def test_what_only_looks_like_a_marker_is_none(text: str) -> None:
    assert unmark(text) == (text, None)


def test_a_marker_survives_windows_line_ends() -> None:
    assert unmark(mark("a\nb", key="k:1").replace("\n", "\r\n")) == ("a\nb", "k:1")


@pytest.mark.parametrize("key", ["a", "1a2b3c4d:ship:comment", "run/1@x.y_z-2", "x" * 200])
def test_usable_keys_are_returned(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize("key", ["", "-a", " a", "a b", "a--b", "a-->", "x" * 201, "ü", "a\n"])
def test_unusable_keys_are_refused(key: str) -> None:
    with pytest.raises(UsageError):
        check_key(key)
    with pytest.raises(UsageError):
        mark("x", key=key)
