"""Who is reminded to pay."""

from __future__ import annotations

from collections.abc import Sequence

from tally.statement import Line

SMALL_CENTS = 500


def needs_reminder(lines: Sequence[Line]) -> bool:
    """Whether a customer is written to; what is owed below five is let pass."""
    charged = sum(line.cents for line in lines if line.kind == "charge")
    paid = sum(line.cents for line in lines if line.kind == "payment")
    return charged - paid >= SMALL_CENTS
