"""A webhook: one signed POST to an address that was checked, without redirects, whose answer is not read."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from adw.domain.notification_text import Asked, Message, Told
from adw.notify.addresses import Resolve, checked_addresses
from adw.notify.errors import UndeliveredError
from adw.notify.trust import trusted

TIMEOUT_S = 10.0
"""Of each part of an exchange."""
WHOLE_S = 40.0
MOST_ADDRESSES = 4
"""Of a host that are tried."""
SIGNATURE_HEADER = "X-ADW-Signature-256"
TIMESTAMP_HEADER = "X-ADW-Timestamp"
DELIVERY_HEADER = "X-ADW-Delivery"
MAX_WAIT_S = 3600.0

_TRY_AGAIN = frozenset({408, 425, 429})


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """Over the timestamp, a dot and the raw body, so that an old message cannot be sent again as a new one."""
    said = timestamp.encode() + b"." + body
    return f"sha256={hmac.new(secret.encode('utf-8', 'replace'), said, hashlib.sha256).hexdigest()}"


def signed_headers(secret: str, body: bytes, *, now_s: float | None = None) -> dict[str, str]:
    """Signed anew at each attempt."""
    timestamp = str(int(time.time() if now_s is None else now_s))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature(secret, timestamp=timestamp, body=body)}


def webhook_body(message: Message) -> bytes:
    """As JSON with camelCase names."""
    value = {
        "delivery": message.delivery_id,
        "channel": message.channel,
        "rule": message.rule_id,
        "isTest": message.is_test,
        "summary": message.summary,
        "items": [_item(each) for each in message.told],
        "omitted": message.omitted,
    }
    return orjson.dumps(value)


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, delivery_id: str, allow_private: bool, resolve: Resolve
) -> None:
    """Raises UndeliveredError unless the other side takes it. The address is in no error, for it may be a secret."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UndeliveredError("the address of the webhook cannot be used", is_final=True) from error
    port = target.port or (443 if target.scheme == "https" else 80)
    addresses = await checked_addresses(target.host, port, allow_private=allow_private, resolve=resolve)
    own = {
        "Host": target.netloc.decode(),
        "Content-Type": "application/json",
        "User-Agent": "adw-orchestrator",
        DELIVERY_HEADER: delivery_id,
    }
    try:
        async with asyncio.timeout(WHOLE_S):
            await _post_to_first(addresses[:MOST_ADDRESSES], target, body, {**own, **headers})
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UndeliveredError(f"the host cannot be reached ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise UndeliveredError(f"the host did not answer ({type(error).__name__})") from error


async def _post_to_first(addresses: Sequence[str], target: httpx.URL, body: bytes, headers: Mapping[str, str]) -> None:
    """To the first that takes the connection; what was sent to one is not sent to another."""
    *others, last = addresses
    for address in others:
        with suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await _post_to(address, target, body, headers)
    return await _post_to(last, target, body, headers)


async def _post_to(address: str, target: httpx.URL, body: bytes, headers: Mapping[str, str]) -> None:
    # The name is only shown to the other side, and its certificate is checked against it; nothing resolves it again.
    extensions: dict[str, Any] = {"sni_hostname": target.host}
    async with (
        httpx.AsyncClient(verify=trusted("http"), timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client,
        client.stream(
            "POST", target.copy_with(host=address), content=body, headers=dict(headers), extensions=extensions
        ) as answer,
    ):
        _check(answer)


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    status = answer.status_code
    is_final = status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _TRY_AGAIN
    raise UndeliveredError(f"the host answered {status}", is_final=is_final, wait_s=_wait_s(answer))


def _wait_s(answer: httpx.Response) -> float | None:
    given = answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return min(float(given[:9]), MAX_WAIT_S)
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(given)
        return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), MAX_WAIT_S)
    return None


def _item(told: Told) -> dict[str, Any]:
    return {
        "event": told.event,
        "label": told.label,
        "adwId": told.adw_id,
        "seq": told.seq,
        "project": told.project,
        "issueNumber": told.issue_number,
        "title": told.title,
        "phase": told.phase,
        "message": told.message,
        "at": told.at.isoformat(),
        "approval": None if told.asked is None else _approval(told.asked),
    }


def _approval(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.id,
        "kind": asked.kind,
        "decision": asked.decision,
        "link": asked.link,
        "command": asked.command,
    }
