"""Who we are on GitHub, and what others may do. What an event says of its author is never asked."""

from __future__ import annotations

import re

from adw.domain.account import Account, Permission
from adw.forge.github.client.api import GitHubApi
from adw.forge.github.client.call import Call
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.graphql import ask_data, inside
from adw.forge.github.client.repository import RepositoryApi, read, segment
from adw.forge.github.slices.base import User
from adw.forge.github.slices.repository import AppSlice, PermissionSlice, PermissionsSlice
from adw.kit.errors import ForgeDeniedError

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})(?:\[bot\])?")
_NOBODY = frozenset({FailureKind.NOT_FOUND, FailureKind.INVALID, FailureKind.GONE})


async def app_account(api: GitHubApi) -> Account:
    """The account an app writes under."""
    answer = await api.send(Call(method="GET", path="/app", what="ask which app we are", as_app=True))
    return Account(login=f"{read(AppSlice, answer.json()).slug}[bot]", is_bot=True)


async def token_account(repository: RepositoryApi) -> Account:
    """The account of a token. The token of a job of GitHub Actions has no user; GraphQL knows its name."""
    call = Call(method="GET", path="/user", what="ask who we are", accept={FailureKind.DENIED})
    answer = await repository.api.send(call)
    if answer.failure is None:
        user = read(User, answer.json())
        return Account(login=user.login, is_bot=user.is_bot)
    login = inside(await ask_data(repository, "Viewer", {}, what="ask who we are"), "viewer", "login")
    if not isinstance(login, str) or not login:
        raise ForgeDeniedError(f"GitHub does not say whose token this is: {answer.failure}")
    plain = login.removesuffix("[bot]")
    return Account(login=f"{plain}[bot]", is_bot=True)


async def permission_of(api: RepositoryApi, login: str) -> Permission:
    """What an account may do with the repository."""
    if _LOGIN.fullmatch(login) is None:
        return Permission.NONE
    path, what = f"/collaborators/{segment(login)}/permission", f"ask what {login} may do"
    answer = await api.send("GET", path, what=what, accept=_NOBODY)
    if answer.failure is not None:
        return Permission.NONE
    found = read(PermissionSlice, answer.json())
    # A role somebody defined has a name of its own; `permission` tells the known one it builds on.
    return _known(found.role_name) or _known(found.permission) or Permission.NONE


def own_permission(found: PermissionsSlice) -> Permission:
    """What our own credential may do."""
    ladder = (
        (found.admin, Permission.ADMIN),
        (found.maintain, Permission.MAINTAIN),
        (found.push, Permission.WRITE),
        (found.triage, Permission.TRIAGE),
    )
    return next((permission for may, permission in ladder if may), Permission.READ)


def _known(name: str) -> Permission | None:
    return next((each for each in Permission if each.value == name.lower()), None)
