"""Who asks, and what they may do."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from adw.forge.github_stand_in.asgi import Request
from adw.forge.github_stand_in.errors import RefusedError, not_found
from adw.forge.github_stand_in.records import PERMISSIONS, Application, Credential, Repository
from adw.forge.github_stand_in.world import World, covers

_LONGEST_APP_TOKEN_S = 600
_CLOCK_SKEW_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Nobody (no login), an account by its token, or an app by a token it signed itself."""

    login: str | None = None
    credential: Credential | None = None
    app: Application | None = None

    @property
    def budget(self) -> str:
        """Whose rate limit is drawn on."""
        if self.credential is not None and self.credential.installation is not None:
            return f"installation {self.credential.installation}"
        return self.login or (f"app {self.app.slug}" if self.app else "")


def authenticate(world: World, request: Request) -> Actor:
    """Raises RefusedError (401) for a token that is unknown, expired, or not what an app may sign."""
    token = _token(request.headers.get("authorization", ""))
    if token is None:
        return Actor()
    if token.count(".") == 2:  # noqa: PLR2004 - the three parts of a signed token
        return Actor(app=_signed_by(world, token))
    credential = world.tokens.get(token)
    if credential is None or (credential.expires_at is not None and credential.expires_at <= datetime.now(UTC)):
        raise RefusedError(401, "Bad credentials")
    return Actor(login=credential.login, credential=credential)


def permission(world: World, actor: Actor, repository: Repository) -> str:
    """The most the asker may do with a repository, from `none` to `admin`."""
    credential = actor.credential
    if credential is None:
        return "none" if repository.private else "read"
    if credential.repositories is not None and repository.full_name not in credential.repositories:
        return "none" if repository.private else "read"
    installation = world.installations.get(credential.installation or 0)
    if installation is not None:
        granted = installation.permission if covers(installation, repository) else "none"
    else:
        granted = permission_of(world, credential.login, repository)
    return min(granted, credential.ceiling, key=PERMISSIONS.index)


def permission_of(world: World, login: str, repository: Repository) -> str:
    """What an account may do, whoever asks."""
    if login.lower() == repository.owner.lower():
        return "admin"
    if login.lower() not in world.users:
        return "none"
    return repository.grants.get(login.lower(), "none" if repository.private else "read")


def allows(held: str, wanted: str) -> bool:
    return PERMISSIONS.index(held) >= PERMISSIONS.index(wanted)


def demand(world: World, actor: Actor, repository: Repository, wanted: str) -> None:
    """Raises RefusedError: 404 where the asker may not even know of it, 401 for nobody, 403 for too little."""
    held = permission(world, actor, repository)
    if allows(held, wanted):
        return
    if held == "none":
        raise not_found()
    if actor.credential is None:
        raise RefusedError(401, "Requires authentication")
    raise RefusedError(403, _forbidden(actor.credential, wanted))


def _forbidden(credential: Credential, wanted: str) -> str:
    if credential.installation is not None:
        return "Resource not accessible by integration"
    if not credential.classic:
        return "Resource not accessible by personal access token"
    return "Must have admin rights to Repository." if wanted == "admin" else "You do not have permission to do that."


def _token(header: str) -> str | None:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() in {"token", "bearer"}:
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        name, _, word = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return word if word and word != "x-oauth-basic" else name


def _signed_by(world: World, token: str) -> Application:
    try:
        issuer = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
    except jwt.PyJWTError as error:
        raise RefusedError(401, "A JSON web token could not be decoded") from error
    app = next((app for app in world.apps.values() if issuer in {str(app.id), app.slug}), None)
    if app is None or app.public_key is None:
        raise RefusedError(401, "A JSON web token could not be decoded")
    try:
        claims = jwt.decode(token, app.public_key, algorithms=["RS256"], leeway=_CLOCK_SKEW_S, issuer=issuer)
    except jwt.ExpiredSignatureError as error:
        raise RefusedError(401, "'Expiration time' claim ('exp') must be a numeric value in the future") from error
    except jwt.PyJWTError as error:
        raise RefusedError(401, "A JSON web token could not be decoded") from error
    lives_s = claims.get("exp", 0) - datetime.now(UTC).timestamp()
    if lives_s > _LONGEST_APP_TOKEN_S + _CLOCK_SKEW_S:
        raise RefusedError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app
