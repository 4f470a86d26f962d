"""Whether a body comes from whoever knows the secret. Only the body is signed, no header is."""

from __future__ import annotations

import hashlib
import hmac

_PREFIX = "sha256="


def sign(body: bytes, *, secret: str) -> str:
    """The value of the header `X-Hub-Signature-256` for exactly these bytes."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, *, header: str | None, secret: str) -> bool:
    """Whether the header is right. It takes the same work whatever the header holds."""
    given = (header or "").strip().encode("utf-8", "replace")
    return hmac.compare_digest(sign(body, secret=secret).encode(), given)
