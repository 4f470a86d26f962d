from __future__ import annotations

import pytest

from adw.kit.ids import is_adw_id, new_adw_id, new_token, new_uuid


def test_ids_are_eight_hexadecimal_characters_and_differ():
    made = {new_adw_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_adw_id(each) for each in made)


@pytest.mark.parametrize(
    "text", ["", "0a1b2c3", "0a1b2c3d4", "0A1B2C3D", "0a1b2c3g", "0a1b2c3d\n", " 0a1b2c3d", "\u0660a1b2c3d"]
)
def test_what_only_looks_like_an_id_is_none(text):
    assert not is_adw_id(text)


def test_tokens_and_uuids_are_never_the_same_twice():
    assert len({new_token() for _ in range(100)}) == len({new_uuid() for _ in range(100)}) == 100
    assert len(new_token()) >= 43
    assert new_token().replace("-", "").replace("_", "").isalnum()
