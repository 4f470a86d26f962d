"""The proxy between agents and the model API: it holds the credential, keeps the books and enforces budgets."""

from __future__ import annotations

from adw.gateway.gateway import Gateway
from adw.gateway.upstream import Credential, Upstream
from adw.ports.gateway import GatewayVerdict, RunGrant

__all__ = ["Credential", "Gateway", "GatewayVerdict", "RunGrant", "Upstream"]
