"""What each route needs, in one place: reading needs `read`, changing something `operate`, and a few things `admin`.

Asked before a route is chosen, of the address as it came, so that no route can be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adw.domain.access import AccessScope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

MCP = "/mcp"
"""Which tools somebody may call there, and what is written down, is decided for each call."""

_ANY = ".+"
_RULES: Sequence[tuple[str, str, AccessScope]] = (
    (_ANY, r"/api/tokens(/.*)?", AccessScope.ADMIN),
    (_ANY, r"/api/audit(/.*)?", AccessScope.ADMIN),
    (_ANY, r"/api/config(/.*)?", AccessScope.ADMIN),
    ("POST|PUT|DELETE", r"/api/notifications/.*", AccessScope.ADMIN),
    ("PUT|DELETE", r"/api/budgets/.*", AccessScope.ADMIN),
    ("POST", r"/api/(login|logout)", AccessScope.READ),
    ("POST", r"/api/adw/workflows/preview", AccessScope.READ),
    ("POST", MCP, AccessScope.READ),
)


def needed_scope(method: str, path: str) -> AccessScope:
    """The least scope that may ask this of the server."""
    for methods, pattern, scope in _RULES:
        if re.fullmatch(methods, method) and re.fullmatch(pattern, path, re.DOTALL):
            return scope
    return AccessScope.READ if method in SAFE else AccessScope.OPERATE


def changes_something(method: str, path: str) -> bool:
    """Whether the request is written down in the audit. Following a link to log in begins a session."""
    if method in SAFE:
        return path.startswith("/login/")
    return path not in {"/api/adw/workflows/preview", MCP}
