"""Tokens, logins and the audit, as the server tells them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Literal, TypedDict

AccessScopeName = Literal["read", "operate", "admin"]


class TokenDict(TypedDict):
    id: str
    name: str
    scope: AccessScopeName
    createdBy: str
    createdAt: str
    expiresAt: str | None
    lastUsedAt: str | None
    revokedAt: str | None


class NewTokenDict(TypedDict):
    token: TokenDict
    secret: str


class TokenListDict(TypedDict):
    tokens: list[TokenDict]


class LinkDict(TypedDict):
    url: str
    expiresAt: str


class SessionDict(TypedDict):
    name: str
    scope: AccessScopeName
    isSession: bool
    csrf: str | None


class AuditEntryDict(TypedDict):
    id: int
    at: str
    who: str
    tokenId: str | None
    sessionId: str | None
    method: str
    route: str
    target: str | None
    status: int
    peer: str | None
    idempotencyKey: str | None
    times: int


class AuditPageDict(TypedDict):
    entries: list[AuditEntryDict]
    nextCursor: str | None
