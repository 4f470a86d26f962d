"""Webhooks of a repository and what was delivered to them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.pings import ping
from adw.forge.github_stand_in.errors import RefusedError, not_found
from adw.forge.github_stand_in.records import Delivery, Hook
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.hooks import delivery_json, hook_json

_HOOKS = "/repos/{owner}/{repo}/hooks"
_HOOK = f"{_HOOKS}/{{hook_id}}"
_DELIVERY = f"{_HOOK}/deliveries/{{delivery_id}}"


class Config(BaseModel):
    """Where a webhook is, and how it wants its deliveries."""

    url: str | None = None
    content_type: Literal["json", "form"] = "form"
    secret: str | None = None


class NewHook(BaseModel):
    """A webhook to make."""

    config: Config | None = None
    events: list[str] = ["push"]
    active: bool = True


class HookEdit(BaseModel):
    """Changes of a webhook."""

    config: Config | None = None
    events: list[str] | None = None
    active: bool | None = None


@route("GET", _HOOKS, needs="admin")
async def list_hooks(call: Call) -> Reply:
    return call.page(list(call.repo.hooks.values()), shape=lambda hook: hook_json(call.shapes, call.repo, hook))


@route("POST", _HOOKS, needs="admin")
async def create_hook(call: Call) -> Reply:
    new = call.read(NewHook)
    config = new.config or Config()
    if not (config.url or "").startswith(("http://", "https://")):
        error = {"resource": "Hook", "field": "url", "code": "missing_field"}
        raise RefusedError(422, "Validation Failed", errors=[error])
    now = call.world.now()
    hook = Hook(
        id=call.world.new_id(),
        url=config.url or "",
        secret=config.secret,
        events=list(dict.fromkeys(new.events)),
        content_type=config.content_type,
        created_at=now,
        updated_at=now,
        active=new.active,
    )
    call.repo.hooks[hook.id] = hook
    ping(call.effects.core, call.repo, hook, sender=call.login)
    return Reply(status=201, json=hook_json(call.shapes, call.repo, hook))


@route("GET", _HOOK, needs="admin")
async def get_hook(call: Call) -> Reply:
    return Reply(json=hook_json(call.shapes, call.repo, _hook(call)))


@route("PATCH", _HOOK, needs="admin")
async def edit_hook(call: Call) -> Reply:
    hook, edit = _hook(call), call.read(HookEdit)
    if edit.config is not None:
        hook.url = edit.config.url or hook.url
        hook.secret, hook.content_type = edit.config.secret, edit.config.content_type
    hook.events = hook.events if edit.events is None else edit.events
    hook.active = hook.active if edit.active is None else edit.active
    hook.updated_at = call.world.now()
    return Reply(json=hook_json(call.shapes, call.repo, hook))


@route("DELETE", _HOOK, needs="admin")
async def delete_hook(call: Call) -> Reply:
    del call.repo.hooks[_hook(call).id]
    return Reply(status=204)


@route("POST", f"{_HOOK}/pings", needs="admin")
async def ping_hook(call: Call) -> Reply:
    ping(call.effects.core, call.repo, _hook(call), sender=call.login)
    return Reply(status=204)


@route("GET", f"{_HOOK}/deliveries", needs="admin")
async def list_deliveries(call: Call) -> Reply:
    """Newest first."""
    newest = _hook(call).deliveries[::-1]
    return call.page(newest, shape=lambda delivery: delivery_json(call.repo, delivery))


@route("GET", _DELIVERY, needs="admin")
async def get_delivery(call: Call) -> Reply:
    return Reply(json=delivery_json(call.repo, _delivery(call), whole=True))


@route("POST", f"{_DELIVERY}/attempts", needs="admin")
async def redeliver(call: Call) -> Reply:
    call.effects.core.hooks.redeliver(_hook(call), _delivery(call))
    return Reply(status=202, json={})


def _hook(call: Call) -> Hook:
    hook = call.repo.hooks.get(call.number("hook_id"))
    if hook is None:
        raise not_found()
    return hook


def _delivery(call: Call) -> Delivery:
    wanted = call.number("delivery_id")
    for delivery in _hook(call).deliveries:
        if delivery.id == wanted:
            return delivery
    raise not_found()
