"""Whose certificates are believed: those of `SSL_CERT_FILE` or `SSL_CERT_DIR` where set, else the usual ones."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Literal

import httpx


@cache
def trusted(_protocol: Literal["http", "smtp"]) -> ssl.SSLContext:
    """Made once, for it takes long; one for each protocol, for each tells the other side which one it is."""
    return httpx.create_ssl_context()
