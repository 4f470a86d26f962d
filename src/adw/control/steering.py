"""Steering that reaches into repositories: doing phases again, branching off, taking over, speaking to agents.

What needs git is looked at first; then each action is one transaction of rows, event and the engine's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.control.comparison import Comparison, compare
from adw.control.fork import Fork, write_fork
from adw.control.otherwise import AS_BEFORE, Otherwise, check_message, leave_words
from adw.control.plan_edit import check_edit, write_plan
from adw.control.rewind import Redo, check_redoable, order_rewind
from adw.control.takeover import hand_back, take_over
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import canonical_kind, phases_of
from adw.domain.message import Message
from adw.domain.places import PRIVATE_FILES, presence_file
from adw.domain.project import Project
from adw.domain.status import UNFINISHED, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError, ConflictError, WrongStateError
from adw.kit.presence import deserted
from adw.ports.engine import Enqueuer
from adw.ports.projects import ForeignTip, ProjectAccess
from adw.ports.workspace import Workspaces, WorkspaceSpec
from adw.project.base_files import BaseFiles
from adw.store.agent_outputs import AgentOutput
from adw.store.approvals import find_approval
from adw.store.db import Database
from adw.store.messages import message_with_key
from adw.store.projects import get_project
from adw.store.running import running_agents
from adw.store.workflows import find_by_idempotency_key, lock_workflow, require_workflow, update_workflow

AGENT_END_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """`path` is the worktree, now the person's. `notes` are sentences for them."""

    workflow: Workflow
    path: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Used by every door, as `Control` is. `work_dir` is where this host's workers say that they are at work."""

    database: Database
    enqueuer: Enqueuer
    access: ProjectAccess
    workspaces: Workspaces
    work_dir: Path

    async def retry_from(
        self,
        adw_id: str,
        *,
        from_phase: str,
        actor: str,
        discard_foreign: bool = False,
        otherwise: Otherwise = AS_BEFORE,
    ) -> Workflow:
        """Does the phase and all that follow again, from the commit before it, with fresh conversations.

        Raises WrongStateError while the workflow is at work and after a merge, UsageError for a phase that has never
        run, ConflictError when the branch holds commits of others, unless they are to be discarded.
        """
        seen, project = await self._look(adw_id)
        check_redoable(seen)
        foreign = await self._foreign(seen, project)
        redo = Redo(
            phase=from_phase, actor=actor, discard_foreign=discard_foreign, foreign=foreign, otherwise=otherwise
        )
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            check_redoable(workflow)
            if workflow.head_sha != seen.head_sha:
                raise ConflictError(f"workflow {adw_id} has gone on just now", hint="look at it, then try again")
            return await order_rewind(connection, workflow, redo)

    async def fork(
        self,
        adw_id: str,
        *,
        from_phase: str,
        actor: str,
        kind: str | None = None,
        key: str | None = None,
        otherwise: Otherwise = AS_BEFORE,
    ) -> Workflow:
        """A second workflow for the same work from the commit before a phase, with what is left of the budget.

        Raises UsageError for a phase that either of them does not have, WrongStateError when the source has not done
        what comes before it. The same idempotency key gives the workflow it gave before.
        """
        seen, project = await self._look(adw_id)
        phases = seen.phases if kind is None else await self._phases_of(seen, project, kind)
        chosen = canonical_kind(kind) if kind is not None else seen.workflow_type
        fork = Fork(phase=from_phase, kind=chosen, phases=phases, actor=actor, key=key, otherwise=otherwise)
        async with self.database.begin() as connection:
            source = await lock_workflow(connection, adw_id)
            known = None if key is None else await find_by_idempotency_key(connection, key)
            if known is not None:
                return known
            made = await write_fork(connection, source, fork)
            if made.branch_name is not None and made.head_sha is not None:
                await self.access.start_branch(project, branch=made.branch_name, sha=made.head_sha)
            return made

    async def compare(self, first: str, second: str) -> Comparison:
        """See `adw.control.comparison.compare`."""
        return await compare(self.database, self.access, first, second)

    async def takeover(self, adw_id: str, *, actor: str) -> TakenOver:
        """Stops the agent and gives the worktree to a person; nothing of ours touches it until they hand it back.

        Raises ConflictError when somebody else has it, WrongStateError when there is nothing to take over.
        """
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            workflow = await take_over(connection, workflow, enqueuer=self.enqueuer, actor=actor)
            project = await get_project(connection, workflow.project_id)
        notes: list[str] = []
        if not await deserted(presence_file(self.work_dir, adw_id), timeout_s=AGENT_END_TIMEOUT_S):
            notes.append("the worker has not let go of it yet; wait until its processes are gone")
        path = await self._worktree(workflow, project)
        async with self.database.begin() as connection:
            changes = {"worktree_path": str(path), "worktree_exists": True}
            event = NewEvent(
                type=EventType.WORKFLOW_UPDATED, message=f"{actor} works in {path}", data={"worktreePath": str(path)}
            )
            workflow = await update_workflow(connection, adw_id, changes=changes, event=event)
        return TakenOver(workflow=workflow, path=path, notes=tuple(notes))

    async def handback(self, adw_id: str, *, actor: str, message: str | None = None) -> Workflow:
        """Lets the workflow go on with what the person did; `message` is for the commit of what they left uncommitted.

        Raises WrongStateError when nobody has taken it over.
        """
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            return await hand_back(connection, workflow, enqueuer=self.enqueuer, actor=actor, message=message)

    async def edit_plan(self, reference: str, *, text: str, actor: str) -> Workflow:
        """Puts a person's plan in the place of one that waits to be approved, as a commit of theirs; it still waits.

        Raises UsageError for a question about something else or a text that is no plan, WrongStateError for one that
        was decided, ConflictError while somebody else has the worktree.
        """
        async with self.database.read() as connection:
            asked = await find_approval(connection, reference)
        plan_file = check_edit(asked, text)
        taken = await self.takeover(asked.adw_id, actor=actor)
        try:
            write_plan(taken.path, plan_file, text)
        except AdwError:
            await self.handback(asked.adw_id, actor=actor)
            raise
        return await self.handback(asked.adw_id, actor=actor, message="Edit the plan")

    async def send(self, adw_id: str, *, text: str, actor: str, key: str | None = None) -> Message:
        """Leaves a message that the agents of the workflow hear at the next safe point; with a key, once.

        Raises WrongStateError for a workflow that has ended, UsageError for a text that says nothing or too much.
        """
        check_message(text)
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            known = None if key is None else await message_with_key(connection, adw_id, key)
            if known is not None:
                return known
            if workflow.status not in UNFINISHED:
                raise WrongStateError(
                    f"workflow {adw_id} is {workflow.status}; no agent would hear this", hint=_instead(workflow)
                )
            return await leave_words(connection, adw_id, words=text, actor=actor, key=key)

    async def agents(self) -> list[AgentOutput]:
        """Conversations of agents that are under way."""
        async with self.database.read() as connection:
            return await running_agents(connection)

    async def _look(self, adw_id: str) -> tuple[Workflow, Project]:
        async with self.database.read() as connection:
            workflow = await require_workflow(connection, adw_id)
            return workflow, await get_project(connection, workflow.project_id)

    async def _foreign(self, workflow: Workflow, project: Project) -> tuple[ForeignTip, ...]:
        if workflow.branch_name is None or workflow.head_sha is None:
            return ()
        return await self.access.foreign_tips(project, branch=workflow.branch_name, ours=workflow.head_sha)

    async def _phases_of(self, workflow: Workflow, project: Project, kind: str) -> tuple[str, ...]:
        config = await BaseFiles(access=self.access, project=project, sha=workflow.base_sha).config()
        return tuple(str(phase) for phase in phases_of(kind, defined=config.kinds))

    async def _worktree(self, workflow: Workflow, project: Project) -> Path:
        config = await BaseFiles(access=self.access, project=project, sha=workflow.base_sha).config()
        assert workflow.branch_name is not None  # noqa: S101 # checked when it was taken over
        spec = WorkspaceSpec(
            adw_id=workflow.adw_id,
            repository=self.access.repository(project),
            branch=workflow.branch_name,
            base_sha=workflow.base_sha,
            private=(*PRIVATE_FILES, *config.env.copy_files),
        )
        return (await self.workspaces.prepare(spec)).path


def _instead(workflow: Workflow) -> str:
    if workflow.status is Status.CANCELLED:
        return f"branch off from it with `adw workflow fork {workflow.adw_id} --from PHASE`"
    return f"do a phase again with `adw workflow retry {workflow.adw_id} --from PHASE`, then say it"
