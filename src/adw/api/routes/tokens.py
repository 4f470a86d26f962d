"""Tokens: giving them out, listing them, taking them back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from adw.api.access import gate_of
from adw.api.inputs import Caller, InUtc, Services
from adw.api.openapi import problems
from adw.api.views.access import NewTokenView, TokenList, TokenView
from adw.api.wire import Actor, Body
from adw.control.access import Access
from adw.domain.access import AccessScope

router = APIRouter(prefix="/api/tokens", tags=["access"], responses=problems())


class TokenBody(Body):
    """Whom the token is for, and what they may do with it."""

    name: Actor
    scope: AccessScope
    expires_at: Annotated[datetime | None, InUtc] = Field(default=None, description="Left out: never by itself")


@router.get("")
async def list_tokens(services: Services) -> TokenList:
    """All tokens that were given out, without their secrets."""
    found = await Access(database=services.database).list_tokens()
    return TokenList(tokens=tuple(TokenView.model_validate(each) for each in found))


@router.post("", status_code=201, responses=problems(409))
async def create_token(services: Services, caller: Caller, body: TokenBody) -> NewTokenView:
    """Makes a token. Its secret is in this answer and nowhere else."""
    made = await Access(database=services.database).create_token(
        name=body.name, scope=body.scope, created_by=caller.name, expires_at=body.expires_at
    )
    return NewTokenView(token=TokenView.model_validate(made.token), secret=made.secret)


@router.delete("/{reference}", responses=problems(404))
async def revoke_token(
    services: Services,
    request: Request,
    reference: Annotated[str, Path(max_length=100, description="A token's id or name")],
) -> TokenView:
    """Takes a token back, with the sessions that came from it. Every server knows within seconds."""
    revoked = await Access(database=services.database).revoke_token(reference)
    gate_of(request.app).forget()
    return TokenView.model_validate(revoked)
