"""A statement is a list of lines. Amounts are whole cents and never negative; the kind says which way they count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line: a `charge`, `payment`, `refund`, or a `note` whose amount is only information."""

    kind: str
    cents: int


def balance(lines: Iterable[Line]) -> int:
    """What the customer owes, in cents; negative when we owe the customer."""
    total = 0
    for line in lines:
        if line.kind == "charge":
            total += line.cents
        elif line.kind == "payment":
            total -= line.cents
    return total


def closing_line(lines: Iterable[Line]) -> str:
    """The sentence at the foot of a statement."""
    cents = balance(lines)
    if cents == 0:
        return "Nothing to pay."
    amount = f"{abs(cents) // 100}.{abs(cents) % 100:02d}"
    return f"Please pay {amount}." if cents > 0 else f"{amount} in your favour."
