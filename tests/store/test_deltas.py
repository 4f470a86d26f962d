from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adw.store.deltas import Delta, Writer, _payloads, read_delta

WRITER = Writer(adw_id="0a1b2c3d", phase="running:" + "x" * 80, role="implementor")


@given(st.text(alphabet=st.characters(codec=None), max_size=4000))
def test_any_text_fits_into_announcements_and_comes_out_again(written: str):
    payloads = list(_payloads(WRITER, written))
    assert all(len(payload.encode()) < 8000 and "\0" not in payload for payload in payloads)
    read = [read_delta(payload) for payload in payloads]
    assert all(isinstance(each, Delta) and each.writer == WRITER for each in read)
    told = "".join(each.text for each in read if each)
    assert len(told) == len(written)


def test_control_characters_are_the_longest_and_too_much_is_cut_at_the_front():
    payloads = list(_payloads(WRITER, "\x01" * 20_000 + "end"))
    assert max(len(payload.encode()) for payload in payloads) < 8000
    assert len(payloads) == 8
    assert payloads[-1].endswith('end"]')


def test_what_others_announce_is_not_read():
    assert read_delta("") is None
    assert read_delta("[1]") is None
    assert read_delta('{"a":1}') is None
