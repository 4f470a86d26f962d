"""What agents said and did, for people and for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from adw.api.inputs import AdwId, Services
from adw.api.openapi import problems
from adw.api.views.conversations import transcript_of
from adw.api.views.transcript import TranscriptView
from adw.api.views.transcript_markdown import transcript_markdown

MARKDOWN = "text/markdown"

router = APIRouter(prefix="/api/adw/workflows/{adw_id}/transcript", tags=["workflows"], responses=problems(404))


@router.get("", response_model=TranscriptView, responses={200: {"content": {MARKDOWN: {}}}})
async def get_transcript(
    services: Services,
    adw_id: AdwId,
    role: Annotated[str | None, Query(max_length=100, description="Only of this agent, e.g. `planner`")] = None,
    phase: Annotated[str | None, Query(max_length=100, description="Only of this phase")] = None,
    wanted: Annotated[Literal["md", "json"], Query(alias="format", description="Markdown, or its parts")] = "md",
) -> TranscriptView | Response:
    """Every conversation: prompts, answers, tool calls, outcome, cost. Long texts are cut and say so."""
    view = await transcript_of(services.database, adw_id, role=role, phase=phase)
    if wanted == "json":
        return view
    return Response(transcript_markdown(view).encode(), media_type=f"{MARKDOWN}; charset=utf-8")
