"""Texts the agent's runtime puts into user messages by itself. They continue a turn; they are no prompt of a person."""

from __future__ import annotations

import re

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)

_OPENINGS = (
    "[agent runtime]",
    "[structured-output-enforce]",
    "[Tool call interrupted",
    "[Request interrupted",
    "<task-notification>",
    "<local-command-",
    "Stop hook feedback:",
    "Output token limit hit.",
    "[Your previous response had no visible output.",
    "Your response above was stopped by a safety classifier",
)


def reminders_in(text: str) -> str:
    """The reminders alone: for some models the CLI describes the environment there instead of in a system message."""
    return "\n".join(_REMINDER.findall(text))


def without_reminders(text: str) -> str:
    return _REMINDER.sub("", text).strip()


def without_injections(text: str) -> str:
    """What is left of a text block when everything injected is taken out; empty when it was nothing else."""
    said = without_reminders(text)
    return "" if said.startswith(_OPENINGS) else said
