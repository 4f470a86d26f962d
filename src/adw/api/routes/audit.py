"""Who changed what through the server, or tried to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from adw.api.inputs import Limit, Services
from adw.api.openapi import problems
from adw.api.views.access import AuditEntryView, AuditPage
from adw.store.audit import list_deeds

router = APIRouter(prefix="/api/audit", tags=["access"], responses=problems())


@router.get("")
async def list_audit(
    services: Services,
    *,
    who: Annotated[str | None, Query(max_length=100, description="Only of this token or session, by name")] = None,
    limit: Limit = 50,
    after: Annotated[
        str | None, Query(pattern=r"^[1-9][0-9]{0,17}$", description="`nextCursor` of the page before")
    ] = None,
) -> AuditPage:
    """Every request that would change something, newest first, whether it was done or refused."""
    async with services.database.read() as connection:
        found = await list_deeds(connection, before=None if after is None else int(after), who=who, limit=limit + 1)
    shown = tuple(AuditEntryView.model_validate(each) for each in found[:limit])
    return AuditPage(entries=shown, next_cursor=str(found[limit - 1].id) if len(found) > limit else None)
