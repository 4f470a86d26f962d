"""A message in the form Slack takes, and those who speak like it.

What comes from issues and agents can be nothing but text: it stands in plain-text blocks where there are blocks; in the
line that stands for them elsewhere, what could become a mention or a link is broken up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from adw.domain.notification_text import Message, Told

MOST_BLOCKS = 45
MAX_TEXT_CHARS = 2900

_JOINT = "\N{ZERO WIDTH SPACE}"
_LINKS = re.compile(r"://|\]\(")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack_body(message: Message) -> bytes:
    """`text` for whoever shows no blocks, such as a phone's notification or a compatible service."""
    told = list(message.told)
    while len(blocks := list(_blocks(message, told))) > MOST_BLOCKS:
        told.pop()
    text = "\n".join([escaped(message.summary), *(_plain(each) for each in told)])
    value = {"text": text[: 4 * MAX_TEXT_CHARS], "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
    return orjson.dumps(value)


def escaped(text: str) -> str:
    """Text that mentions nobody and links to nothing, in Slack and in services that read more into it."""
    entities = "".join(_ENTITIES.get(char, char) for char in text)
    joined = _LINKS.sub(lambda found: f"{found[0][0]}{_JOINT}{found[0][1:]}", entities)
    return joined.replace("@", f"@{_JOINT}")


def _blocks(message: Message, told: list[Told]) -> Iterator[dict[str, Any]]:
    yield _text(message.summary)
    for each in told:
        if len(message.told) > 1 or message.omitted:
            yield _text(f"{each.label}: {each.subject}")
        if each.message:
            yield _text(each.message)
        answer = _answer(each)
        if answer is not None:
            yield {"type": "section", "text": {"type": "mrkdwn", "text": answer}}
    omitted = message.omitted + len(message.told) - len(told)
    if omitted:
        yield _text(f"and {omitted} more")


def _plain(told: Told) -> str:
    parts = [f"{escaped(told.label)}: {escaped(told.subject)}", escaped(told.message), _answer(told) or ""]
    return " - ".join(part for part in parts if part)


def _answer(told: Told) -> str | None:
    """Of our own words alone."""
    asked = told.asked
    if asked is None:
        return None
    if asked.decision != "pending":
        return f"already {asked.decision}"
    return f"<{asked.link}|Answer this>" if asked.link is not None else f"answer with `{asked.command}`"


def _text(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text[:MAX_TEXT_CHARS], "emoji": False}}
