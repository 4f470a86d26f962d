"""Which addresses are spoken to. A name is looked up once, and what was looked at is what is connected to.

Whoever may set up a channel must not reach, through a worker, what only a worker can reach: services of its own host,
its private network, or the address at which clouds give out credentials.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from adw.notify.errors import UndeliveredError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host, the one to be tried first first."""

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_CARRIERS = tuple(
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""Addresses that stand for others, of the older protocol."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """As the machine does it. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


async def checked_addresses(host: str, port: int, *, allow_private: bool, resolve: Resolve) -> Sequence[str]:
    """The addresses of the host, each of which may be spoken to. Raises UndeliveredError."""
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise UndeliveredError("the host's name cannot be resolved") from error
    for address in found:
        if not is_allowed(address, allow_private=allow_private):
            raise UndeliveredError(
                "the host's address is not a public one"
                if not allow_private
                else "the host's address is one that channels may never lead to",
                is_final=True,
            )
    if not found:
        raise UndeliveredError("the host's name cannot be resolved")
    return found


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """Whether a channel may lead there. Link-local, multicast and unspecified addresses are never allowed."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or _is_broadcast(ip):
        return False
    if allow_private:
        return True
    return ip.is_global and not ip.is_reserved and not any(ip in network for network in _CARRIERS)


def _is_broadcast(ip: _Ip) -> bool:
    return ip == ipaddress.IPv4Address("255.255.255.255")
