"""One delivery from its headers and bytes to what somebody did, or to the reason for which nothing is done about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from adw.domain.notices import Notice
from adw.domain.triggers import Refused, Verdict, Why
from adw.forge.github.webhooks.body import parse_body
from adw.forge.github.webhooks.decode import decode
from adw.forge.github.webhooks.signature import is_signed

MAX_BYTES = 25 * 1024 * 1024
"""What GitHub sends at most."""

_GUID = re.compile(r"[0-9A-Za-z-]{8,100}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A request as it came. Nothing but the body is covered by the signature."""

    body: bytes
    signature: str | None
    content_type: str | None
    event: str | None
    delivery_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What to write down of it. `guid` is None for what may have been sent by anybody: it must not occupy an id.

    There is either a notice to act on, or a verdict.
    """

    event: str
    guid: str | None = None
    repository: str | None = None
    sender: str | None = None
    notice: Notice | None = None
    verdict: Verdict | None = None

    @property
    def is_authentic(self) -> bool:
        """Whether it came from somebody who knows the secret."""
        return self.verdict is None or self.verdict.why not in {Why.NO_SECRET, Why.BAD_SIGNATURE, Why.TOO_LARGE}


def receive(envelope: Envelope, *, secret: str | None, now: datetime) -> Received:
    """Never raises for anything that can be sent. The signature is looked at before anything else is."""
    event = envelope.event if envelope.event and _EVENT.fullmatch(envelope.event) else None
    try:
        _authenticate(envelope, secret)
    except Refused as refusal:
        return Received(event=event or "?", verdict=refusal.verdict)
    guid = envelope.delivery_id if envelope.delivery_id and _GUID.fullmatch(envelope.delivery_id) else None
    payload: dict[str, Any] = {}
    try:
        _check_headers(event=event, guid=guid)
        payload = parse_body(envelope.body, content_type=envelope.content_type)
        notice = decode(event or "", payload, now=now)
    except Refused as refusal:
        return Received(
            event=_named(event or "?", payload),
            guid=guid,
            repository=_text(payload, "repository", "full_name"),
            sender=_text(payload, "sender", "login"),
            verdict=refusal.verdict,
        )
    return Received(
        event=_named(event or "?", payload),
        guid=guid,
        repository=notice.origin.repository,
        sender=notice.origin.sender.login,
        notice=notice,
    )


def _authenticate(envelope: Envelope, secret: str | None) -> None:
    if len(envelope.body) > MAX_BYTES:
        raise Refused(Why.TOO_LARGE, f"the body is larger than {MAX_BYTES} bytes")
    if not secret:
        raise Refused(Why.NO_SECRET, "webhooks are refused until GITHUB_WEBHOOK_SECRET is set here and at GitHub")
    if not is_signed(envelope.body, header=envelope.signature, secret=secret):
        raise Refused(Why.BAD_SIGNATURE, "X-Hub-Signature-256 is missing or not that of GITHUB_WEBHOOK_SECRET")


def _check_headers(*, event: str | None, guid: str | None) -> None:
    if event is None:
        raise Refused(Why.NO_EVENT, "the header X-GitHub-Event is missing or no event's name")
    if guid is None:
        raise Refused(Why.NO_DELIVERY_ID, "the header X-GitHub-Delivery is missing or no id")


def _named(event: str, payload: dict[str, Any]) -> str:
    action = payload.get("action")
    return f"{event}.{action[:60]}" if isinstance(action, str) and action else event


def _text(payload: dict[str, Any], *path: str) -> str | None:
    """For the record only, of a body that may hold anything."""
    value: Any = payload
    for name in path:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value[:200] if isinstance(value, str) else None
