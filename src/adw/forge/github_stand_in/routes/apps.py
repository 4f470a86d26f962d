"""Apps: who they are, where they are installed, and the tokens they work with."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.records import Application, Credential, Installation, Repository
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.core import Json, moment
from adw.forge.github_stand_in.shapes.repositories import repository_of
from adw.forge.github_stand_in.world import covers

_INSTALLATION = "/app/installations/{installation_id}"
_TOKEN_LIFE = timedelta(hours=1)


class Scope(BaseModel):
    """What a token shall be good for."""

    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, str] | None = None


@route("GET", "/app", needs="app")
async def get_app(call: Call) -> Reply:
    count = sum(one.app == _app(call).slug for one in call.world.installations.values())
    return Reply(json={**call.shapes.app(_app(call)), "installations_count": count})


@route("GET", "/app/installations", needs="app")
async def list_installations(call: Call) -> Reply:
    own = [one for one in call.world.installations.values() if one.app == _app(call).slug]
    return call.page(own, shape=lambda one: _shown(call, one))


@route("GET", _INSTALLATION, needs="app")
async def get_installation(call: Call) -> Reply:
    return Reply(json=_shown(call, _installation(call)))


@route("GET", "/repos/{owner}/{repo}/installation", needs="app")
async def get_installation_of_repository(call: Call) -> Reply:
    name = f"{call.parts['owner']}/{call.parts['repo']}"
    repository = call.world.repository(name)
    found = call.world.installation_at(repository, _app(call).slug)
    if found is None:
        raise not_found()
    return Reply(json=_shown(call, found))


@route("POST", f"{_INSTALLATION}/access_tokens", needs="app")
async def create_installation_token(call: Call) -> Reply:
    """A token for an hour, for all of the installation's repositories or those named."""
    installation, scope = _installation(call), call.read(Scope)
    repositories = _scoped(call, installation, scope)
    token = f"ghs_{secrets.token_hex(18)}"
    expires = datetime.now(UTC).replace(microsecond=0) + _TOKEN_LIFE
    call.world.tokens[token] = Credential(
        login=f"{installation.app}[bot]",
        installation=installation.id,
        repositories=None if repositories is None else [one.full_name for one in repositories],
        expires_at=expires,
        classic=False,
    )
    permissions = scope.permissions or _app(call).permissions
    shown: Json = {"token": token, "expires_at": moment(expires), "permissions": dict(permissions)}
    shown["repository_selection"] = "all" if repositories is None else "selected"
    if repositories is not None:
        shown["repositories"] = [repository_of(call.shapes, one) for one in repositories]
    return Reply(status=201, json=shown)


@route("GET", "/installation/repositories", needs="account")
async def list_installed_repositories(call: Call) -> Reply:
    credential = call.actor.credential
    installation = call.world.installations.get((credential and credential.installation) or 0)
    if installation is None or credential is None:
        raise RefusedError(403, "You must authenticate with an installation access token.")
    named = credential.repositories
    found = [
        one
        for one in call.world.repositories.values()
        if covers(installation, one) and (named is None or one.full_name in named)
    ]
    return call.page(found, shape=lambda one: repository_of(call.shapes, one), key="repositories")


def _app(call: Call) -> Application:
    if call.actor.app is None:
        raise RefusedError(401, "A JSON web token could not be decoded")
    return call.actor.app


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.app != _app(call).slug:
        raise not_found()
    return found


def _scoped(call: Call, installation: Installation, scope: Scope) -> list[Repository] | None:
    if scope.repositories is None and scope.repository_ids is None:
        return None
    names = {name.lower() for name in scope.repositories or ()}
    ids = set(scope.repository_ids or ())
    own = [one for one in call.world.repositories.values() if covers(installation, one)]
    found = [one for one in own if one.name.lower() in names or one.id in ids]
    if {one.name.lower() for one in found} < names or {one.id for one in found} < ids:
        raise unprocessable("There is at least one repository that does not exist or is not accessible")
    return found


def _shown(call: Call, installation: Installation) -> Json:
    app = call.world.apps[installation.app]
    url = f"{call.world.api_url}/app/installations/{installation.id}"
    account = call.world.anybody(installation.owner)
    return {
        "id": installation.id,
        "account": call.shapes.user(account),
        "repository_selection": "all" if installation.repositories is None else "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{call.world.api_url}/installation/repositories",
        "html_url": f"{call.world.web_url}/settings/installations/{installation.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": dict(app.permissions),
        "events": list(app.events),
        "created_at": moment(installation.created_at),
        "updated_at": moment(installation.created_at),
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }
