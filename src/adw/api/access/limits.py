"""How often an address may do something in vain. Kept in this process, for a bounded number of addresses."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable

MAX_PEERS = 10_000


class PeerLimit:
    """A bucket for each address: `burst` at once, and `per_minute` more as time passes."""

    def __init__(self, *, burst: int, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_second = per_minute / 60
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, peer: str | None) -> int:
        """Whole seconds until the address may try again; 0 when it may now."""
        left, _ = self._look(_network(peer))
        return 0 if left >= 1 else max(1, math.ceil((1 - left) / self._per_second))

    def count(self, peer: str | None) -> None:
        """Takes one away."""
        network = _network(peer)
        left, now = self._look(network)
        self._left.pop(network, None)
        self._left[network] = (max(0.0, left - 1), now)
        if len(self._left) > MAX_PEERS:
            del self._left[next(iter(self._left))]  # whoever was heard of least recently

    def _look(self, network: str) -> tuple[float, float]:
        now = self._clock()
        left, at = self._left.get(network, (float(self._burst), now))
        return min(float(self._burst), left + (now - at) * self._per_second), now


def _network(peer: str | None) -> str:
    """An IPv6 subscriber has 2^64 addresses: they count as one."""
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return peer or ""
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))  # noqa: PLR2004 # IP
