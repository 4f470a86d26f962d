"""SIGTERM as an orderly end."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager

_TERMINATED = 143


@contextmanager
def terminated_in_order(*, code: int = _TERMINATED) -> Generator[None]:
    """SIGTERM unwinds this process, so that what it started is ended too, instead of cutting it off."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(code)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
