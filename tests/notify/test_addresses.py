"""Which addresses a channel may lead to, and that what was looked at is what is connected to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.notify.receivers import HttpReceiver

from adw.domain.notification_text import Message
from adw.notify import UndeliveredError
from adw.notify.addresses import Resolve, is_allowed
from adw.notify.webhook import post, webhook_body

MESSAGE = Message(delivery_id="d1", channel="ops", rule_id=None, told=())

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
PRIVATE = (
    *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "240.0.0.1"),
    *("::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1"),
)
NEVER = (
    *("169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255"),
    *("fe80::1", "fe80::1%eth0", "::", "ff02::1", "::ffff:169.254.169.254", "not an address"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_spoken_to(address: str):
    assert is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_only_where_a_channel_says_so(address: str):
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_are_never_spoken_to(address: str):
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)


def resolving(*answers: Sequence[str]) -> Resolve:
    """A name server that says something else each time it is asked."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def send(url: str, resolve: Resolve, **changes: Any) -> None:
    given: dict[str, Any] = {"delivery_id": "d1", "allow_private": False, "resolve": resolve} | changes
    await post(url, webhook_body(MESSAGE), {}, **given)


async def test_a_public_name_that_leads_inside_is_refused(receiver: HttpReceiver):
    for answer in (["127.0.0.1"], [PUBLIC[0], "127.0.0.1"], ["169.254.169.254"]):
        with pytest.raises(UndeliveredError) as refused:
            await send(f"http://receiver.example:{receiver.port}/", resolving(answer))
        assert refused.value.is_final
    assert receiver.got == []


async def test_a_name_is_looked_up_once(receiver: HttpReceiver):
    """What another answer would say a moment later does not matter: the checked address is connected to."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    await send(f"http://receiver.example:{receiver.port}/hook", resolve, allow_private=True)
    assert asked == ["receiver.example"]
    assert receiver.got[0].headers["host"] == f"receiver.example:{receiver.port}"


async def test_the_next_address_is_tried_when_one_takes_no_connection(receiver: HttpReceiver):
    resolve = resolving(["127.0.0.2", "::1", "127.0.0.1"])
    await send(f"http://receiver.example:{receiver.port}/", resolve, allow_private=True)
    assert len(receiver.got) == 1


async def test_a_name_that_nobody_knows_is_tried_again_later(receiver: HttpReceiver):
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    for each in (resolve, resolving([])):
        with pytest.raises(UndeliveredError) as failed:
            await send(f"http://receiver.example:{receiver.port}/", each)
        assert not failed.value.is_final
