"""What a server was configured with, so that no command silently uses a server with another configuration."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from adw.kit.settings import Settings

_DATABASE = "DATABASE_URL"
_BASE_URL = "ANTHROPIC_BASE_URL"


def fingerprint(settings: Settings, *, key: str) -> dict[str, str]:
    """A keyed digest of each value that decides where work goes; unset ones are empty. No value can be read from it."""
    values = {
        _DATABASE: settings.database_url,
        _BASE_URL: settings.anthropic_base_url,
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
        "ANTHROPIC_AUTH_TOKEN": settings.anthropic_auth_token,
        "CLAUDE_CODE_OAUTH_TOKEN": settings.claude_code_oauth_token,
    }
    return {name: _digest(value, key=key) if value else "" for name, value in values.items()}


def differing(*, server: Mapping[str, str], caller: Mapping[str, str]) -> list[str]:
    """The variables in which a caller contradicts a server.

    A caller without any credential, such as a second terminal, contradicts no credential of the server's.
    """
    compared = set(caller)
    if not any(digest for name, digest in caller.items() if name not in {_DATABASE, _BASE_URL}):
        compared = {_DATABASE, _BASE_URL}
    return sorted(name for name in compared if server.get(name, "") != caller[name])


def _digest(value: str, *, key: str) -> str:
    return hmac.new(key.encode(), value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:32]
