"""What a round on a pull request has to answer, item by item. Whatever others wrote is fenced."""

from __future__ import annotations

from collections.abc import Sequence

from adw.agents.fence import fence
from adw.ports.prompts import FeedbackItem

ITEM_SHOWN = 6_000


def items_text(items: Sequence[FeedbackItem]) -> str:
    """Each item under its number; of long ones the beginning and the end."""
    return "\n\n".join(f"### Item {each.number}: {each.heading}\n\n{_said(each.text)}" for each in items)


def _said(text: str) -> str:
    if not text.strip():
        return "(It says nothing more.)"
    half = ITEM_SHOWN // 2
    cut = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
    return fence(text if len(text) <= ITEM_SHOWN else cut, label="item")
