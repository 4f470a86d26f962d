"""What a workflow leaves behind, read only."""

from __future__ import annotations

from fastapi import APIRouter

from adw.api.inputs import AdwId, Services
from adw.api.openapi import problems
from adw.api.views.building import usage_view
from adw.api.views.evidence import EvidenceList, evidence_of
from adw.api.views.records import OutputList, OutputView, PhaseList, WorkflowUsage, phase_view
from adw.store import phases, usage
from adw.store.accounts import account_of
from adw.store.agent_outputs import get_agent_outputs
from adw.store.analytics import usage_by_attempt

router = APIRouter(prefix="/api/adw/workflows/{adw_id}", tags=["workflows"], responses=problems(404))


@router.get("/phases")
async def list_phases(services: Services, adw_id: AdwId) -> PhaseList:
    """Every attempt at every phase."""
    async with services.database.read() as connection:
        used = await usage_by_attempt(connection, adw_id)
        rows = await phases.list_phases(connection, adw_id, usage=used)
    return PhaseList(phases=tuple(phase_view(row) for row in rows))


@router.get("/outputs")
async def list_outputs(services: Services, adw_id: AdwId) -> OutputList:
    """The agents' conversations: how each ended and what it used."""
    async with services.database.read() as connection:
        rows = await get_agent_outputs(connection, adw_id)
    return OutputList(outputs=tuple(OutputView.model_validate(row) for row in rows))


@router.get("/evidence")
async def list_evidence(services: Services, adw_id: AdwId) -> EvidenceList:
    """What the gates found, each bound to a commit, with the tests that failed."""
    async with services.database.read() as connection:
        return await evidence_of(connection, adw_id)


@router.get("/usage")
async def get_usage(services: Services, adw_id: AdwId) -> WorkflowUsage:
    """Requests, tokens and money, in all and by phase."""
    async with services.database.read() as connection:
        account = await account_of(connection, adw_id)
        total = await usage.usage_of_workflow(connection, adw_id)
        by_phase = await usage.usage_by_phase(connection, adw_id)
    return WorkflowUsage(
        usage=usage_view(total),
        by_phase={phase: usage_view(used) for phase, used in by_phase.items()},
        budget_usd=account.budget_usd,
        spent_usd=account.spent_usd,
        held_usd=account.held_usd,
    )
