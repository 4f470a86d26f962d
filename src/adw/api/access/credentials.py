"""What a request shows to be let in: a bearer token, or the cookie of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

SESSION_COOKIE = "adw_session"
CSRF_COOKIE = "adw_csrf"
"""Readable by our own pages, which send it back in `X-ADW-CSRF`."""
CSRF_HEADER = "x-adw-csrf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret somebody showed. `is_cookie`: a browser sends it by itself, whoever asked it to."""

    secret: str = field(repr=False)
    is_cookie: bool


def credential_in(headers: Headers) -> Credential | None:
    """None when the request shows nothing. A header goes before a cookie."""
    given = headers.getlist("authorization")
    if given:
        scheme, _, secret = given[0].partition(" ")
        is_token = scheme.lower() == "bearer" and len(given) == 1  # of several, others might believe another one
        return Credential(secret=secret.strip() if is_token else "", is_cookie=False)
    secret = session_secret(headers)
    return None if secret is None else Credential(secret=secret, is_cookie=True)


def session_secret(headers: Headers) -> str | None:
    """What the session's cookie holds."""
    for line in headers.getlist("cookie"):
        try:
            morsel = SimpleCookie(line).get(SESSION_COOKIE)
        except CookieError:
            continue
        if morsel is not None and morsel.value:
            return morsel.value
    return None
