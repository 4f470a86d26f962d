"""Texts the agent's CLI puts into user messages by itself. They continue a turn; they are no prompt of a person."""

from __future__ import annotations

import re

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)

_OPENINGS = (
    "[structured-output-enforce]",
    "[Tool call interrupted",
    "[Request interrupted",
    "<task-notification>",
    "<local-command-",
    "Stop hook feedback:",
    "Output token limit hit.",
)


def without_injections(text: str) -> str:
    """What is left of a text block when everything injected is taken out; empty when it was nothing else."""
    said = _REMINDER.sub("", text).strip()
    return "" if said.startswith(_OPENINGS) else said
