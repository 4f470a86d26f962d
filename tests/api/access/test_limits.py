"""How long an address has to wait."""

from __future__ import annotations

from adw.api.access.limits import MAX_PEERS, PeerLimit


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_may_try_some_at_once_and_more_as_time_passes():
    clock = Clock()
    limit = PeerLimit(burst=3, per_minute=60, clock=clock)
    for _ in range(3):
        assert limit.wait_s("10.0.0.1") == 0
        limit.count("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 1
    assert limit.wait_s("10.0.0.2") == 0
    clock.now += 1
    assert limit.wait_s("10.0.0.1") == 0
    limit.count("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 1
    clock.now += 1000
    for _ in range(3):
        limit.count("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 1, "no more than the burst is saved up"


def test_the_wait_is_told_in_whole_seconds():
    limit = PeerLimit(burst=1, per_minute=7, clock=Clock())
    limit.count("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 9


def test_all_addresses_of_one_subscriber_count_as_one():
    limit = PeerLimit(burst=1, per_minute=1, clock=Clock())
    limit.count("2001:db8::1")
    assert limit.wait_s("2001:db8::ffff:1") > 0
    assert limit.wait_s("2001:db8:0:1::1") == 0


def test_what_has_no_address_is_limited_too():
    limit = PeerLimit(burst=1, per_minute=1, clock=Clock())
    limit.count(None)
    assert limit.wait_s(None) > 0


def test_it_remembers_a_bounded_number_of_addresses():
    limit = PeerLimit(burst=1, per_minute=0.001, clock=Clock())
    for number in range(MAX_PEERS + 10):
        limit.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._left) == MAX_PEERS
    assert limit.wait_s("10.0.0.0") == 0, "whoever was heard of least recently is forgotten"
