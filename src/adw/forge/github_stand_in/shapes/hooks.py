"""Webhooks and their deliveries."""

from __future__ import annotations

from adw.forge.github_stand_in.records import Delivery, Hook, Repository
from adw.forge.github_stand_in.shapes.core import Json, Shapes, moment


def hook_json(shapes: Shapes, repository: Repository, hook: Hook) -> Json:
    """The secret is shown as asterisks."""
    url = f"{shapes.repo_url(repository)}/hooks/{hook.id}"
    last = hook.deliveries[-1] if hook.deliveries else None
    config = {"url": hook.url, "content_type": hook.content_type, "insecure_ssl": "0"}
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": config | ({"secret": "********"} if hook.secret else {}),
        "updated_at": moment(hook.updated_at),
        "created_at": moment(hook.created_at),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {
            "code": last.status_code if last else None,
            "status": last.status if last else "unused",
            "message": last.status if last else None,
        },
    }


def delivery_json(repository: Repository, delivery: Delivery, *, whole: bool = False) -> Json:
    shown: Json = {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": moment(delivery.created_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration_s,
        "status": delivery.status,
        "status_code": delivery.status_code or 0,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": None,
        "repository_id": repository.id,
        "throttled_at": None,
    }
    if whole:
        shown["url"] = ""
        shown["request"] = {"headers": dict(delivery.request_headers), "payload": delivery.payload}
        shown["response"] = {"headers": {}, "payload": delivery.response_body}
    return shown
