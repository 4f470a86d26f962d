"""Whether a server answers, asked without loading an HTTP library."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

_TIMEOUT_S = 3.0
_OK = 200


def answers(url: str) -> bool:
    """Whether `GET /health` is answered with 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
