"""Tools that change something: starting work and steering it. All of it is recorded as done by the caller."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from adw.chat.tools.doors import Caller, Doors
from adw.chat.tools.looking import AdwId, OneWorkflow, Reference
from adw.chat.tools.tool import Input, Tool
from adw.chat.tools.words import state_of, workflow_line
from adw.control.otherwise import Otherwise
from adw.domain.agent import ModelSet
from adw.domain.project import Project
from adw.domain.workflow import WorkflowOptions
from adw.intake.service import WorkRequest
from adw.kit.errors import UsageError
from adw.store.projects import find_project, list_projects

_MAX_USD = 1_000_000

Usd = Annotated[Decimal, Field(gt=0, le=_MAX_USD, description="US dollars")]


class Work(Input):
    """An issue, or a sentence that says what to do; not both."""

    project: Reference | None = Field(default=None, description="May be left out when there is only one")
    issue_number: int | None = Field(default=None, ge=1)
    prompt: str | None = Field(default=None, min_length=1, description="What to do, when there is no issue")
    kind: str = Field(default="sdlc", description="Such as sdlc, plan-build-test, patch; zte also merges")
    budget_usd: Usd | None = Field(default=None, description="The most it may spend")
    model_set: ModelSet | None = None
    priority: int = Field(default=0, ge=-100, le=100)
    plan_approval: bool | None = Field(default=None, description="Whether a person is to approve the plan first")


class Changed(Input):
    """What may be otherwise; what is left out stays."""

    model_set: ModelSet | None = None
    model: str | None = Field(default=None, min_length=1, max_length=256, description="That of all agents from now on")
    message: str | None = Field(default=None, min_length=1, description="What the next agent is told first")

    @property
    def otherwise(self) -> Otherwise:
        return Otherwise(model_set=self.model_set, model=self.model, message=self.message)


class Again(Changed):
    """A workflow to be done again."""

    adw_id: AdwId
    from_phase: str | None = Field(default=None, description="Everything from this phase on; else what failed")


class Branching(Changed):
    """A workflow to branch off from."""

    adw_id: AdwId
    from_phase: str = Field(min_length=1, description="The first phase to be done anew")
    kind: str | None = Field(default=None, description="Another kind to go on with")


class Answer(Input):
    """The answer to an open question."""

    reference: str = Field(min_length=1, description="The question's id, or that of its workflow")
    allow: bool
    reason: str | None = Field(default=None, description="Why; to what an agent wants to know: the answer")
    budget_usd: Usd | None = Field(default=None, description="The new total, when the question is about a budget")
    plan: str | None = Field(
        default=None,
        min_length=1,
        description="All of the plan as the person wants it, in place of the one asked about",
    )
    input: dict[str, Any] | None = Field(
        default=None,
        description="All of the input as the person wants it, when the question is about an agent's call of a tool",
    )


class Words(Input):
    """Something to say to the agents of a workflow."""

    adw_id: AdwId
    message: str = Field(min_length=1)


class NewIssue(Input):
    """Work to be written down, not started."""

    project: Reference | None = Field(default=None, description="May be left out when there is only one")
    title: str = Field(min_length=1, max_length=256)
    body: str = ""


async def start_workflow(doors: Doors, caller: Caller, given: Work) -> str:
    project = given.project or (await _only_project(doors)).id
    request = WorkRequest(
        project=project,
        kind=given.kind,
        actor=caller.actor,
        source=caller.source,
        issue_number=given.issue_number,
        prompt=given.prompt,
        model_set=given.model_set,
        budget_usd=given.budget_usd,
        priority=given.priority,
        options=WorkflowOptions(plan_approval=given.plan_approval),
        idempotency_key=caller.key("start_workflow", given.model_dump(mode="json")),
    )
    taken = await doors.intake.accept(request)
    return "\n".join([f"started {workflow_line(taken.workflow)}", *taken.notes])


async def pause(doors: Doors, caller: Caller, given: OneWorkflow) -> str:
    workflow = await doors.workflow(given.adw_id)
    return workflow_line(await doors.control.pause(workflow.adw_id, actor=caller.actor))


async def resume(doors: Doors, caller: Caller, given: OneWorkflow) -> str:
    workflow = await doors.workflow(given.adw_id)
    return workflow_line(await doors.control.resume(workflow.adw_id, actor=caller.actor))


async def cancel(doors: Doors, caller: Caller, given: OneWorkflow) -> str:
    workflow = await doors.workflow(given.adw_id)
    return workflow_line(await doors.control.cancel(workflow.adw_id, actor=caller.actor))


async def retry(doors: Doors, caller: Caller, given: Again) -> str:
    workflow = await doors.workflow(given.adw_id)
    await doors.intake.check_room(workflow)
    if given.from_phase is None:
        return workflow_line(await doors.control.retry(workflow.adw_id, actor=caller.actor, otherwise=given.otherwise))
    again = await doors.steering.retry_from(
        workflow.adw_id, from_phase=given.from_phase, actor=caller.actor, otherwise=given.otherwise
    )
    return workflow_line(again)


async def fork(doors: Doors, caller: Caller, given: Branching) -> str:
    workflow = await doors.workflow(given.adw_id)
    await doors.intake.check_room(workflow)
    made = await doors.steering.fork(
        workflow.adw_id,
        from_phase=given.from_phase,
        actor=caller.actor,
        kind=given.kind,
        key=caller.key("fork", given.model_dump(mode="json")),
        otherwise=given.otherwise,
    )
    return f"forked from {workflow.adw_id}: {workflow_line(made)}"


async def approve(doors: Doors, caller: Caller, given: Answer) -> str:
    if given.plan is not None and given.allow:
        await doors.steering.edit_plan(given.reference, text=given.plan, actor=caller.actor)
    approval, workflow = await doors.control.decide(
        given.reference,
        allow=given.allow,
        actor=caller.actor,
        reason=given.reason,
        budget_usd=given.budget_usd,
        edited_input=given.input,
    )
    return f"{approval.kind} of {workflow.adw_id} is {approval.decision}; the workflow is {state_of(workflow)}"


async def message_agent(doors: Doors, caller: Caller, given: Words) -> str:
    workflow = await doors.workflow(given.adw_id)
    await doors.steering.send(workflow.adw_id, text=given.message, actor=caller.actor)
    return f"the agents of {workflow.adw_id} will hear it at the next safe point"


async def create_issue(doors: Doors, caller: Caller, given: NewIssue) -> str:
    project = await _project(doors, given.project)
    issue = await doors.access.forge(project).create_issue(
        title=given.title,
        body=given.body,
        author=caller.actor,
        key=caller.key("create_issue", given.model_dump(mode="json")),
    )
    return f"issue #{issue.number} of {project.id}: {issue.title}"


async def _project(doors: Doors, reference: str | None) -> Project:
    if reference is None:
        return await _only_project(doors)
    async with doors.database.read() as connection:
        return await find_project(connection, reference)


async def _only_project(doors: Doors) -> Project:
    if doors.home is not None:
        return (await doors.intake.open_project(str(doors.home)))[0]
    async with doors.database.read() as connection:
        found = await list_projects(connection)
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.id for each in found)
    hint = f"name one of: {known}" if known else "name a repository's path or owner/name"
    raise UsageError("it is not clear which project is meant", hint=hint)


ORDERS: tuple[Tool, ...] = (
    Tool(
        name="start_workflow",
        about="Starts a run for an issue of a project, or for a sentence. Returns at once; it goes on by itself.",
        scope="operate",
        takes=Work,
        carry_out=start_workflow,
        asked_for=True,
    ),
    Tool(
        name="pause",
        about="Stops a run until it is resumed. Nothing of it is lost.",
        scope="operate",
        takes=OneWorkflow,
        carry_out=pause,
    ),
    Tool(
        name="resume",
        about="Lets a paused run go on, or one that waits for a limit try again now.",
        scope="operate",
        takes=OneWorkflow,
        carry_out=resume,
    ),
    Tool(
        name="cancel",
        about="Ends a run for good. Its branch and commits stay.",
        scope="operate",
        takes=OneWorkflow,
        carry_out=cancel,
        asked_for=True,
    ),
    Tool(
        name="retry",
        about="Does a run's failed phase again, or all from an earlier one on; with other models or words if wanted.",
        scope="operate",
        takes=Again,
        carry_out=retry,
    ),
    Tool(
        name="fork",
        about="Makes a second run for the same work, from before a phase on; with other models or words if wanted.",
        scope="operate",
        takes=Branching,
        carry_out=fork,
        asked_for=True,
    ),
    Tool(
        name="approve",
        about="Answers a question that waits for a person, yes or no, as that person has said.",
        scope="operate",
        takes=Answer,
        carry_out=approve,
        asked_for=True,
    ),
    Tool(
        name="message_agent",
        about="Says something to the agents of a run; they hear it at the next safe point.",
        scope="operate",
        takes=Words,
        carry_out=message_agent,
    ),
    Tool(
        name="create_issue",
        about="Writes an issue without starting work on it.",
        scope="operate",
        takes=NewIssue,
        carry_out=create_issue,
        asked_for=True,
    ),
)
