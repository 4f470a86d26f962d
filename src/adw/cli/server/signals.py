"""SIGTERM as an orderly end, and an end that is not cut off."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
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


@contextmanager
def noting_interrupts() -> Generator[Callable[[], None]]:
    """Ctrl-C as ever; gives a function that raises it again when it was lost.

    Python drops an exception that is raised inside a finalizer or a callback. Whoever waits calls the function.
    """
    noted = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal noted
        noted = True
        raise KeyboardInterrupt

    def heed() -> None:
        if noted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def finishing_undisturbed() -> Generator[Callable[[], None]]:
    """Gives a function that makes this process deaf to Ctrl-C and SIGTERM until the block ends.

    Call it when cleaning up begins: an impatient second Ctrl-C would leave behind what was about to be removed.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def be_deaf() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    try:
        yield be_deaf
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
