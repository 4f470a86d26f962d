from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from adw.api.live.packing import packed, portions


def read(sent: bytes) -> list[str]:
    """As a client sees it."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=State.OPEN, max_size=None)
    client.receive_data(sent)
    frames = [event for event in client.events_received() if isinstance(event, Frame)]
    assert all(frame.opcode is Opcode.TEXT and frame.fin for frame in frames)
    return [bytes(frame.data).decode() for frame in frames]


@given(st.lists(st.text(max_size=200)))
def test_clients_read_what_was_packed(texts: list[str]):
    assert read(packed(texts)) == texts


@given(st.lists(st.text(max_size=12)), st.integers(1, 30))
def test_portions_are_all_of_it_and_none_is_too_long(texts: list[str], most: int):
    found = list(portions(texts, most_chars=most))
    assert [text for portion in found for text in portion] == texts
    assert all(portion for portion in found)
    for portion in found:
        assert len([text for text in portion if text]) == 1 or sum(map(len, portion)) <= most


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_every_length_has_its_header(length: int):
    assert read(packed(["x" * length, "next"])) == ["x" * length, "next"]
