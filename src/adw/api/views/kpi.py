"""How well work goes, as numbers."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from adw.api.wire import Wire
from adw.domain.kpi import Kpi, KpiSummary
from adw.store.kpis import KpiGroup


class SpreadView(Wire):
    """One number over many workflows."""

    total: int
    largest: int
    average: float
    median: float


class KpiSummaryView(Wire):
    """Many workflows together. A streak is a run of successes at the first attempt, in the order they ended."""

    workflows: int
    succeeded: int
    at_first_attempt: int
    current_streak: int
    longest_streak: int
    attempts: SpreadView = Field(description="1 when no phase had to be tried again, one more for each time one had")
    plan_lines: SpreadView
    diff_files: SpreadView
    diff_lines: SpreadView = Field(description="Added and deleted")
    repair_rounds: SpreadView = Field(description="Conversations that mended what a check or test complained about")
    review_rounds: SpreadView


class KpiGroupView(Wire):
    """The workflows of one kind in one project."""

    project_id: str
    project_name: str
    workflow_type: str
    summary: KpiSummaryView


class KpiView(Wire):
    """One workflow whose phases have ended."""

    adw_id: str
    project_id: str
    workflow_type: str
    succeeded: bool
    attempts: int
    repair_rounds: int
    review_rounds: int
    plan_lines: int
    diff_files: int
    diff_additions: int
    diff_deletions: int
    recorded_at: datetime


class KpiTable(Wire):
    """Every project and kind, all together, and the latest workflows one by one."""

    since: datetime | None
    groups: tuple[KpiGroupView, ...]
    total: KpiSummaryView
    workflows: tuple[KpiView, ...] = Field(description="The latest first, at most `limit`")


def kpi_group(group: KpiGroup) -> KpiGroupView:
    return KpiGroupView(
        project_id=group.project_id,
        project_name=group.project_name,
        workflow_type=group.workflow_type,
        summary=kpi_summary(group.summary),
    )


def kpi_summary(summary: KpiSummary) -> KpiSummaryView:
    return KpiSummaryView.model_validate(summary)


def kpi_view(kpi: Kpi) -> KpiView:
    return KpiView(
        adw_id=kpi.adw_id,
        project_id=kpi.project_id,
        workflow_type=kpi.workflow_type,
        succeeded=kpi.succeeded,
        attempts=kpi.attempts,
        repair_rounds=kpi.repair_rounds,
        review_rounds=kpi.review_rounds,
        plan_lines=kpi.sizes.plan_lines,
        diff_files=kpi.sizes.diff_files,
        diff_additions=kpi.sizes.diff_additions,
        diff_deletions=kpi.sizes.diff_deletions,
        recorded_at=kpi.recorded_at,
    )
