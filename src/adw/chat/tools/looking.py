"""Tools that look: workflows, events, diffs, projects, money, troubles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from adw.chat.tools.doors import Caller, Doors
from adw.chat.tools.tool import Input, Tool
from adw.chat.tools.words import (
    approval_line,
    event_line,
    facts,
    listed,
    one_line,
    side_facts,
    usd,
    workflow_facts,
    workflow_line,
)
from adw.domain.status import Status
from adw.store.analytics import CostBy, cost_by, cost_in_all
from adw.store.approvals import list_approvals
from adw.store.budgets import list_shared_budgets
from adw.store.chat_feed import recent_troubles
from adw.store.events import get_workflow_events
from adw.store.phases import list_phases
from adw.store.projects import find_project, list_projects
from adw.store.usage import usage_of_workflow
from adw.store.workflows import list_workflows

MAX_DIFF_CHARS = 20_000

AdwId = Annotated[str, Field(min_length=1, max_length=32, description="A workflow's id, or a unique beginning of it")]
Reference = Annotated[str, Field(min_length=1, max_length=4096, description="A project's id, name, path or owner/name")]


class Nothing(Input):
    """No input."""


class OneWorkflow(Input):
    """A workflow."""

    adw_id: AdwId


class Two(Input):
    """Two workflows of one project."""

    adw_id: AdwId
    other: AdwId


class Workflows(Input):
    """Which workflows."""

    statuses: tuple[Status, ...] = Field(default=(), description="Only these; all when left out")
    project: Reference | None = None
    words: str | None = Field(default=None, description="Part of the title or branch")
    limit: int = Field(default=20, ge=1, le=100)


class Events(Input):
    """Which events of a workflow."""

    adw_id: AdwId
    after: int = Field(default=0, ge=0, le=2**53, description="The number of the last event already seen")
    limit: int = Field(default=50, ge=1, le=200)
    latest: bool = Field(default=True, description="The latest ones instead of the first ones after `after`")


class Costs(Input):
    """Whose costs."""

    adw_id: AdwId | None = Field(default=None, description="Of one workflow; left out: of everything")


class Logs(Input):
    """Which troubles."""

    limit: int = Field(default=30, ge=1, le=100)
    contains: str | None = Field(default=None, max_length=200, description="Only messages with these words")


async def show_workflows(doors: Doors, _caller: Caller, given: Workflows) -> str:
    async with doors.database.read() as connection:
        project_id = None if given.project is None else (await find_project(connection, given.project)).id
        found = await list_workflows(
            connection, statuses=given.statuses, project_id=project_id, words=given.words, limit=given.limit
        )
    return listed(map(workflow_line, found), empty="there is no such workflow")


async def show_workflow(doors: Doors, _caller: Caller, given: OneWorkflow) -> str:
    workflow = await doors.workflow(given.adw_id)
    async with doors.database.read() as connection:
        used = await usage_of_workflow(connection, workflow.adw_id)
        asked = await list_approvals(connection, adw_id=workflow.adw_id, pending_only=True)
        attempts = await list_phases(connection, workflow.adw_id)
    told = [f"{each.phase} {each.attempt}: {each.summary}" for each in attempts if each.summary]
    questions = [f"open_question: {approval_line(each)}" for each in asked]
    return "\n".join([facts(workflow_facts(workflow, used=used)), *told, *questions])


async def show_events(doors: Doors, _caller: Caller, given: Events) -> str:
    workflow = await doors.workflow(given.adw_id)
    after = max(given.after, workflow.last_seq - given.limit) if given.latest else given.after
    async with doors.database.read() as connection:
        found = await get_workflow_events(connection, workflow.adw_id, after=after, limit=given.limit)
    return listed(map(event_line, found), empty=f"nothing after event {after}")


async def show_diff(doors: Doors, _caller: Caller, given: OneWorkflow) -> str:
    diff = await doors.diff(await doors.workflow(given.adw_id))
    return _shown(diff) if diff else "nothing is changed yet"


async def show_comparison(doors: Doors, _caller: Caller, given: Two) -> str:
    first, second = await doors.workflow(given.adw_id), await doors.workflow(given.other)
    found = await doors.steering.compare(first.adw_id, second.adw_id)
    sides = [facts(side_facts(each)) for each in (found.first, found.second)]
    differ = _shown(found.diff) if found.diff else "their results are the same"
    return "\n\n".join([*sides, f"from the first result to the second, {differ}"])


async def show_projects(doors: Doors, _caller: Caller, _given: Nothing) -> str:
    async with doors.database.read() as connection:
        found = await list_projects(connection)
    lines = (f"{each.id} {each.forge} {each.source}, base {each.base_branch}" for each in found)
    return listed(lines, empty="there is no project yet; start work with a repository's path or owner/name")


async def show_approvals(doors: Doors, _caller: Caller, _given: Nothing) -> str:
    async with doors.database.read() as connection:
        found = await list_approvals(connection, pending_only=True)
    return listed(map(approval_line, found), empty="no question is open")


async def show_costs(doors: Doors, _caller: Caller, given: Costs) -> str:
    if given.adw_id is not None:
        workflow = await doors.workflow(given.adw_id)
        async with doors.database.read() as connection:
            used = await usage_of_workflow(connection, workflow.adw_id)
        known = {"spent_usd": usd(used), "budget_usd": workflow.budget_usd, "requests": used.requests}
        return facts({"adw_id": workflow.adw_id, **known, "output_tokens": used.tokens.output})
    async with doors.database.read() as connection:
        whole = await cost_in_all(connection)
        models = await cost_by(connection, CostBy.MODEL, limit=5)
        budgets = await list_shared_budgets(connection)
    lines = [facts({"spent_usd": usd(whole.usage), "requests": whole.usage.requests})]
    lines += [f"model {each.key}: {usd(each.usage)} USD" for each in models]
    lines += [f"{each.scope.words}: {each.spent_usd:.4f} of {each.budget_usd} USD spent" for each in budgets]
    return "\n".join(lines)


async def show_logs(doors: Doors, _caller: Caller, given: Logs) -> str:
    async with doors.database.read() as connection:
        found = await recent_troubles(connection, limit=given.limit, contains=given.contains)
    lines = (f"{each.created_at:%m-%d %H:%M:%S} {each.adw_id} {each.type} {one_line(each.message)}" for each in found)
    return listed(lines, empty="no trouble is known")


def _shown(diff: str) -> str:
    files = [line.removeprefix("+++ b/") for line in diff.splitlines() if line.startswith("+++ b/")]
    cut = "\n(cut off)" if len(diff) > MAX_DIFF_CHARS else ""
    return f"changed files: {', '.join(files) or 'only removals'}\n{diff[:MAX_DIFF_CHARS]}{cut}"


LOOKING: tuple[Tool, ...] = (
    Tool(
        name="list_workflows",
        about="Lists runs, newest first: id, status, phase, kind, pull request, title.",
        scope="read",
        takes=Workflows,
        carry_out=show_workflows,
    ),
    Tool(
        name="get_workflow",
        about="Tells how one run stands: status, phase, money, pull request, failure and advice, open questions.",
        scope="read",
        takes=OneWorkflow,
        carry_out=show_workflow,
    ),
    Tool(
        name="get_events",
        about="Tells what happened in one run, one numbered line for each event.",
        scope="read",
        takes=Events,
        carry_out=show_events,
    ),
    Tool(
        name="get_diff",
        about="Shows what one run changes in the repository, as a unified diff.",
        scope="read",
        takes=OneWorkflow,
        carry_out=show_diff,
    ),
    Tool(
        name="compare",
        about="Puts two runs of one project side by side: outcome, time, money, gates, and how their results differ.",
        scope="read",
        takes=Two,
        carry_out=show_comparison,
    ),
    Tool(
        name="list_projects",
        about="Lists the repositories that are known.",
        scope="read",
        takes=Nothing,
        carry_out=show_projects,
    ),
    Tool(
        name="list_approvals",
        about="Lists questions that wait for a person's answer.",
        scope="read",
        takes=Nothing,
        carry_out=show_approvals,
    ),
    Tool(
        name="report_cost",
        about="Tells what was spent on models: by one run, or by everything, with the budgets that bound it.",
        scope="read",
        takes=Costs,
        carry_out=show_costs,
    ),
    Tool(
        name="read_system_logs",
        about="Lists recent failures, lost workers, red gates and warnings of all runs, newest first.",
        scope="read",
        takes=Logs,
        carry_out=show_logs,
    ),
)
