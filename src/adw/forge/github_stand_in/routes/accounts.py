"""Who somebody is and what they may do, and how much may still be asked."""

from __future__ import annotations

from typing import Any

from adw.forge.github_stand_in.access import allows, permission_of
from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import RefusedError, not_found
from adw.forge.github_stand_in.records import PERMISSIONS, User
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.core import moment

_COLLABORATORS = "/repos/{owner}/{repo}/collaborators"
_COARSE = {"triage": "read", "maintain": "write"}
"""What the older word for a permission was."""


@route("GET", "/user", needs="account")
async def get_own_account(call: Call) -> Reply:
    """Installations of apps have no account to speak of here."""
    if call.actor.credential is not None and call.actor.credential.installation is not None:
        raise RefusedError(403, "Resource not accessible by integration")
    own = _public(call, call.world.user(call.login))
    counts = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
    return Reply(json={**own, **dict.fromkeys(counts, 0), "two_factor_authentication": True})


@route("GET", "/users/{username}", needs="nothing")
async def get_account(call: Call) -> Reply:
    return Reply(json=_public(call, call.world.user(call.parts["username"])))


@route("GET", "/rate_limit", needs="nothing")
async def get_rate_limit(call: Call) -> Reply:
    """What is left is in the headers; this costs nothing."""
    total, left, reset = call.budgets.left(call.actor.budget)
    core = {"limit": total, "used": total - left, "remaining": left, "reset": reset}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": reset}
    return Reply(json={"resources": {"core": core, "search": search, "graphql": dict(core)}, "rate": dict(core)})


@route("GET", _COLLABORATORS, needs="write")
async def list_collaborators(call: Call) -> Reply:
    logins = [call.repo.owner, *(call.world.anybody(login).login for login in call.repo.grants)]
    users = [call.world.anybody(login) for login in dict.fromkeys(logins)]
    return call.page(users, shape=lambda user: _collaborator(call, user))


@route("GET", f"{_COLLABORATORS}/{{username}}", needs="write")
async def is_collaborator(call: Call) -> Reply:
    login = call.parts["username"].lower()
    if login != call.repo.owner.lower() and login not in call.repo.grants:
        raise not_found()
    return Reply(status=204)


@route("GET", f"{_COLLABORATORS}/{{username}}/permission", needs="write")
async def get_permission(call: Call) -> Reply:
    user = call.world.users.get(call.parts["username"].lower())
    if user is None:
        raise not_found(f"{call.parts['username']} is not a user")
    held = permission_of(call.world, user.login, call.repo)
    return Reply(json={"permission": _COARSE.get(held, held), "role_name": held, "user": _collaborator(call, user)})


def _collaborator(call: Call, user: User) -> dict[str, Any]:
    held = permission_of(call.world, user.login, call.repo)
    order = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    shown = call.shapes.user(user)
    shown["permissions"] = {name: allows(held, wanted) for name, wanted in order.items()}
    shown["role_name"] = held if held in PERMISSIONS else "none"
    return shown


def _public(call: Call, user: User) -> dict[str, Any]:
    nothing = ("company", "blog", "location", "email", "hireable", "bio", "twitter_username")
    counts = ("public_repos", "public_gists", "followers", "following")
    return {
        **call.shapes.user(user),
        "name": user.name,
        **dict.fromkeys(nothing),
        **dict.fromkeys(counts, 0),
        "created_at": moment(user.created_at),
        "updated_at": moment(user.created_at),
    }
