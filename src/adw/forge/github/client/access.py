"""How we show a credential: a token as it is, an app by tokens of one installation for one repository each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from adw.forge.github.client.call import Answer, Call
from adw.forge.github.client.credentials import AppCredential, TokenCredential, fingerprint
from adw.kit.clock import Clock
from adw.kit.errors import ConfigurationError, ForgeError, NotFoundError

_EARLY = timedelta(minutes=5)
_SKEW = timedelta(seconds=60)
_APP_TOKEN_LIFE = timedelta(minutes=9)

SendCall = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What goes into the header of one request. `name` is the fingerprint its budget is kept under."""

    name: str
    header: str | None = field(repr=False)
    token: str | None = field(repr=False)


class Access(Protocol):
    """Knows the pass for a call."""

    async def pass_for(self, call: Call, send: SendCall) -> Pass:
        """`send` is for asking GitHub for it."""
        ...

    def forget(self, used: Pass) -> bool:
        """GitHub did not know this pass: whether another one may be had for it."""
        ...


class Anonymous:
    """No credential: reads what is public."""

    async def pass_for(self, call: Call, send: SendCall) -> Pass:
        del call, send
        return Pass(name="anonymous", header=None, token=None)

    def forget(self, used: Pass) -> bool:
        del used
        return False


class TokenAccess:
    """One token for everything."""

    def __init__(self, credential: TokenCredential, *, api_url: str) -> None:
        name = fingerprint(api_url, credential.token)
        self._pass = Pass(name=name, header=f"Bearer {credential.token}", token=credential.token)

    async def pass_for(self, call: Call, send: SendCall) -> Pass:
        del call, send
        return self._pass

    def forget(self, used: Pass) -> bool:
        del used
        return False


class AppAccess:
    """Tokens of installations, in memory only, until five minutes before they end."""

    def __init__(self, credential: AppCredential, *, api_url: str, clock: Clock) -> None:
        self._credential = credential
        self._api_url = api_url
        self._clock = clock
        self._known: dict[str, tuple[Pass, datetime]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def pass_for(self, call: Call, send: SendCall) -> Pass:
        if call.as_app or call.repository is None:
            return self._as_app()
        async with self._asking[call.repository]:
            known = self._known.get(call.repository)
            if known is None or known[1] - _EARLY <= self._clock.now():
                known = self._known[call.repository] = await self._installed(call.repository, send)
            return known[0]

    def forget(self, used: Pass) -> bool:
        """A token that was withdrawn; a new one may be had."""
        gone = [repository for repository, (known, _) in self._known.items() if known is used]
        for repository in gone:
            del self._known[repository]
        return bool(gone)

    def _as_app(self) -> Pass:
        now = self._clock.now()
        claims = {"iat": now - _SKEW, "exp": now + _APP_TOKEN_LIFE, "iss": str(self._credential.app_id)}
        token = _signed(claims, self._credential.private_key)
        name = fingerprint(self._api_url, "app", str(self._credential.app_id))
        return Pass(name=name, header=f"Bearer {token}", token=token)

    async def _installed(self, repository: str, send: SendCall) -> tuple[Pass, datetime]:
        installation = await self._installation(repository, send)
        answer = await send(
            Call(
                method="POST",
                path=f"/app/installations/{installation}/access_tokens",
                what=f"let the app into {repository}",
                json={"repositories": [repository.partition("/")[2]]},
                as_app=True,
                is_repeatable=True,
                makes_content=False,
            )
        )
        made = _fields(answer)
        token, expires = made.get("token"), made.get("expires_at")
        if not isinstance(token, str) or not isinstance(expires, str):
            raise ForgeError(f"GitHub gave the app no token for {repository}")
        name = fingerprint(self._api_url, "installation", str(self._credential.app_id), str(installation))
        until = datetime.fromisoformat(expires)
        return Pass(name=name, header=f"Bearer {token}", token=token), until.replace(tzinfo=until.tzinfo or UTC)

    async def _installation(self, repository: str, send: SendCall) -> int:
        call = Call(
            method="GET",
            path=f"/repos/{repository}/installation",
            what=f"find the app's installation in {repository}",
            as_app=True,
        )
        try:
            found = _fields(await send(call)).get("id")
        except NotFoundError as error:
            raise NotFoundError(
                f"the GitHub App is not installed in {repository}, or there is no such repository",
                hint="install the app for this repository, or use GITHUB_TOKEN",
            ) from error
        if not isinstance(found, int):
            raise ForgeError(f"GitHub named no installation of the app in {repository}")
        return found


def _signed(claims: Mapping[str, Any], pem: str) -> str:
    # Only apps need them, and loading them takes longer than all the rest of this client.
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(
            "GITHUB_APP_PRIVATE_KEY is not a private key that can be used",
            hint="give the whole PEM text that GitHub made for the app, line breaks included",
        )
    return jwt.encode(dict(claims), key, algorithm="RS256")


def _fields(answer: Answer) -> Mapping[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise ForgeError("GitHub answered something else than was asked for")
    return found  # pyright: ignore[reportUnknownVariableType]
