"""Ctrl-C is heard, even when it comes at a moment at which Python drops exceptions."""

from __future__ import annotations

import signal
import sys

import pytest

from adw.cli.server.signals import noting_interrupts


class Finalizer:
    """Interrupts this process while it is being deleted."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_was_dropped_is_raised_when_somebody_asks(monkeypatch):
    dropped = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: dropped.append(told.exc_type))
    before = signal.getsignal(signal.SIGINT)
    with noting_interrupts() as heed:
        heed()
        Finalizer()
        assert dropped == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            heed()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_comes_at_once_as_ever():
    with noting_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
