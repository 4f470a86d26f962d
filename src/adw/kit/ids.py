"""Identifiers, made here and nowhere else."""

from __future__ import annotations

import re
import secrets
from typing import NewType
from uuid import UUID, uuid4

AdwId = NewType("AdwId", str)

ADW_ID_PATTERN = re.compile(r"[0-9a-f]{8}")


def new_adw_id() -> AdwId:
    """A fresh workflow id: eight characters `[0-9a-f]`."""
    return AdwId(secrets.token_hex(4))


def is_adw_id(text: str) -> bool:
    return ADW_ID_PATTERN.fullmatch(text) is not None


def new_uuid() -> UUID:
    return uuid4()


def new_token() -> str:
    """A secret with 256 bits of randomness, safe in URLs and headers."""
    return secrets.token_urlsafe(32)
