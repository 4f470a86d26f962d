"""Webhooks: signed as GitHub signs them, handed over one after another by one kept client."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import orjson

from adw.forge.github_stand_in.errors import not_found
from adw.forge.github_stand_in.records import Delivery, Hook, Repository
from adw.forge.github_stand_in.world import World, covers

_TIMEOUT_S = 10.0
_KEPT_BODY = 2_000
_KEPT_DELIVERIES = 2_000

Observe = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True, kw_only=True)
class Signed:
    """One delivery as it goes over the wire."""

    body: bytes
    headers: dict[str, str] = field(repr=False)


class Hooks:
    """The queue of deliveries; `work` empties it for as long as it runs."""

    def __init__(self, world: World, *, observe: Observe | None = None) -> None:
        self._world = world
        self._observe = observe
        self._queue: list[tuple[Hook, Delivery]] = []
        self._more: asyncio.Event | None = None
        self._in_hand = 0

    @property
    def waiting(self) -> int:
        """How many deliveries have not been answered yet."""
        return len(self._queue) + self._in_hand

    def wanted(self, repository: Repository, event: str) -> bool:
        return self._observe is not None or any(_wants(hook, event) for hook in repository.hooks.values())

    def emit(self, repository: Repository, event: str, payload: dict[str, Any]) -> None:
        """Every hook that wants the event gets it with a GUID of its own; it is shown as it was now."""
        if self._observe is not None:
            self._observe(event, payload)
        for hook in repository.hooks.values():
            if _wants(hook, event):
                installation = self._world.installations.get(hook.installation or 0)
                if installation is not None and not covers(installation, repository):
                    continue
                self.send(hook, event, payload | _installed(hook), target=repository.id)

    def send(
        self, hook: Hook, event: str, payload: dict[str, Any], *, target: int = 0, of: Delivery | None = None
    ) -> Delivery:
        """Queues one delivery; one `of` an earlier keeps that one's GUID."""
        delivery = Delivery(
            id=self._world.new_id(),
            guid=of.guid if of else str(uuid4()),
            hook=hook.id,
            event=event,
            action=payload.get("action"),
            payload=copy.deepcopy(payload),
            created_at=self._world.now(),
            redelivery=of is not None,
            target=of.target if of else target,
        )
        del hook.deliveries[:-_KEPT_DELIVERIES]
        hook.deliveries.append(delivery)
        self._queue.append((hook, delivery))
        if self._more is not None:
            self._more.set()
        return delivery

    def redeliver(self, hook: Hook, delivery: Delivery) -> Delivery:
        return self.send(hook, delivery.event, delivery.payload, of=delivery)

    def find(self, guid: str) -> tuple[Hook, Delivery]:
        """The first delivery of this GUID. Raises RefusedError (404) for one that never was."""
        for repository in self._world.repositories.values():
            for hook in repository.hooks.values():
                for delivery in hook.deliveries:
                    if delivery.guid == guid:
                        return hook, delivery
        raise not_found()

    async def work(self) -> None:
        """Delivers until cancelled, one at a time and in order."""
        self._more = asyncio.Event()
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            while True:
                while self._queue:
                    hook, delivery = self._queue.pop(0)
                    self._in_hand += 1
                    try:
                        await _deliver(client, hook, delivery)
                    finally:
                        self._in_hand -= 1
                self._more.clear()
                await self._more.wait()


def signed(hook: Hook, delivery: Delivery) -> Signed:
    """The body in the hook's encoding, and the headers that go with it."""
    document = orjson.dumps(delivery.payload)
    is_form = hook.content_type == "form"
    body = urlencode({"payload": document}).encode() if is_form else document
    headers = {
        "content-type": "application/x-www-form-urlencoded" if is_form else "application/json",
        "accept": "*/*",
        "user-agent": "GitHub-Hookshot/adw-stand-in",
        "x-github-event": delivery.event,
        "x-github-delivery": delivery.guid,
        "x-github-hook-id": str(hook.id),
        "x-github-hook-installation-target-id": str(delivery.target),
        "x-github-hook-installation-target-type": "repository",
    }
    if hook.secret:
        for name, algorithm in (("x-hub-signature", "sha1"), ("x-hub-signature-256", "sha256")):
            digest = hmac.new(hook.secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
            headers[name] = f"{algorithm}={digest}"
    return Signed(body=body, headers=headers)


def _wants(hook: Hook, event: str) -> bool:
    return hook.active and ("*" in hook.events or event in hook.events)


def _installed(hook: Hook) -> dict[str, Any]:
    if hook.installation is None:
        return {}
    return {"installation": {"id": hook.installation, "node_id": f"MDIz_{hook.installation}"}}


async def _deliver(client: httpx.AsyncClient, hook: Hook, delivery: Delivery) -> None:
    message = signed(hook, delivery)
    shown = {name: text for name, text in message.headers.items() if not name.startswith("x-hub-")}
    delivery.request_headers = shown
    begun = time.monotonic()
    try:
        answer = await client.post(hook.url, content=message.body, headers=message.headers)
        delivery.status_code = answer.status_code
        delivery.status = "OK" if answer.is_success else answer.reason_phrase or "failed"
        delivery.response_body = answer.text[:_KEPT_BODY]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        delivery.status_code, delivery.status = 0, f"failed to connect: {type(error).__name__}"
    delivery.duration_s = round(time.monotonic() - begun, 3)
