from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adw.domain.events import EventType
from adw.stream.ring import Frame, Ring


def frame(at: int, text: str = "xx") -> Frame[int]:
    return Frame(at=at, type=EventType.AGENT_TEXT, text=text)


@given(st.lists(st.integers(1, 5), max_size=40), st.integers(1, 20), st.integers(0, 12))
def test_it_holds_exactly_what_lies_between_its_start_and_its_end(sizes: list[int], max_frames: int, limit: int):
    ring: Ring[int] = Ring(100)
    for place, size in enumerate(sizes, start=101):
        ring.add(frame(place, "x" * size))
        ring.trim(max_frames=max_frames, max_chars=30)
    held = ring.since(ring.first_number, limit=1000)
    assert [each.at for each in held] == list(range(ring.start + 1, ring.end + 1))
    assert len(held) <= max_frames
    assert ring.chars == sum(len(each.text) for each in held) <= 30
    for skipped in range(len(held) + 1):
        assert list(ring.since(ring.first_number + skipped, limit=limit)) == list(held[skipped : skipped + limit])
