"""Amounts of money as people type them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from adw.kit.errors import UsageError


def read_usd(text: str | None) -> Decimal | None:
    """US dollars, with or without the sign. Raises UsageError."""
    if text is None:
        return None
    try:
        amount = Decimal(text.strip().lstrip("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount <= 0:
        raise UsageError(f"{text!r} is not an amount of US dollars", hint="for example `--budget 2.50`")
    return amount
