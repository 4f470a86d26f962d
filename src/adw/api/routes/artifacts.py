"""Files a workflow produced."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from adw.api.inputs import AdwId, Services
from adw.api.openapi import problems
from adw.api.views.records import ArtifactList, ArtifactView
from adw.store import results

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?")

router = APIRouter(prefix="/api/adw/workflows/{adw_id}/artifacts", tags=["workflows"], responses=problems(404))


@router.get("")
async def list_artifacts(services: Services, adw_id: AdwId) -> ArtifactList:
    """Files the workflow produced."""
    async with services.database.read() as connection:
        rows = await results.list_artifacts(connection, adw_id)
    return ArtifactList(artifacts=tuple(ArtifactView.model_validate(row) for row in rows))


@router.get(
    "/{name:path}",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The file, as an attachment"}},
)
async def get_artifact(services: Services, adw_id: AdwId, name: Annotated[str, Path(max_length=1000)]) -> Response:
    """One file. It may hold anything an agent made, so browsers are told to save it and not to run it."""
    async with services.database.read() as connection:
        found = await results.get_artifact(connection, adw_id=adw_id, name=name)
    known = _MEDIA_TYPE.fullmatch(found.media_type) is not None
    return Response(
        found.content,
        media_type=found.media_type if known else "application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name.rsplit('/', 1)[-1], safe='')}",
            "ETag": f'"{found.sha256}"',
        },
    )
