"""Everything that could have started work, and what became of it."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Query

from adw.api.inputs import CommaSeparated, Limit, Services, nothing
from adw.api.openapi import problems
from adw.api.paths import check_reference
from adw.api.services import ApiServices
from adw.api.views.triggers import TriggerPage, TriggerView
from adw.domain.project import Project
from adw.domain.triggers import Outcome
from adw.store.deliveries import list_deliveries
from adw.store.projects import find_project

router = APIRouter(prefix="/api/triggers", tags=["triggers"], responses=problems(404))


@router.get("")
async def list_triggers(
    services: Services,
    *,
    project: Annotated[str | None, Query(max_length=4096, description="Id, name or path")] = None,
    outcome: Annotated[list[Outcome], CommaSeparated, Query(default_factory=nothing, description="One or several")],
    limit: Limit = 50,
    after: Annotated[
        str | None, Query(pattern=r"^[1-9][0-9]{0,17}$", description="`nextCursor` of the page before")
    ] = None,
) -> TriggerPage:
    """What came in by webhook, poll or clock, newest first, with the reason wherever nothing was started."""
    found_project = None if project is None else await named_project(services, project)
    async with services.database.read() as connection:
        found = await list_deliveries(
            connection,
            project_id=None if found_project is None else found_project.id,
            repository=None if found_project is None else found_project.source,
            outcomes=outcome,
            before=None if after is None else int(after),
            limit=limit + 1,
        )
    shown = tuple(TriggerView.model_validate(each) for each in found[:limit])
    return TriggerPage(triggers=shown, next_cursor=str(found[limit - 1].id) if len(found) > limit else None)


async def named_project(services: ApiServices, reference: str) -> Project:
    """A known project. Raises NotFoundError."""
    wanted = os.path.realpath(check_reference(reference)) if reference.startswith("/") else reference
    async with services.database.read() as connection:
        return await find_project(connection, wanted)
