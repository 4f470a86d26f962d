"""A person's verdict on a pull request: ready, merged or closed on the forge, and told to the workflow it came from.

The forge comes first and may be asked again: whatever was interrupted in between is completed by repeating it.
"""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.events import EventType, NewEvent
from adw.domain.forge import HeadMoved, MergeConflict, Merged, MergeOutcome, NotMergeable, PullRequest
from adw.domain.project import Project
from adw.domain.status import PrState
from adw.domain.workflow import Workflow
from adw.kit.errors import ConflictError
from adw.ports.projects import ProjectAccess
from adw.store.db import Database
from adw.store.workflows import list_workflows, lock_workflow, update_workflow

_PAGE = 200


class MergeConflictError(ConflictError):
    """The pull request does not fit onto its base any more"""

    code = "merge_conflict"


class HeadMovedError(ConflictError):
    """The pull request has other commits than expected"""

    code = "head_moved"


class NotMergeableError(ConflictError):
    """The pull request cannot be merged"""

    code = "not_mergeable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a pull request, and of the workflow it came from, if it came from one."""

    pull: PullRequest
    workflow: Workflow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeVerdict(Verdict):
    """It is on its base branch as `sha`. `note` tells a person what is left to do, if anything."""

    sha: str
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequests:
    """What people do with pull requests through us."""

    database: Database
    access: ProjectAccess

    async def merge(
        self, project: Project, number: int, *, expected_head_sha: str | None, message: str | None, actor: str
    ) -> MergeVerdict:
        """Squashes it onto its base, at its present head unless another is named, and closes the workflow's issue.

        Raises a ConflictError (`merge_conflict`, `head_moved`, `not_mergeable`) when nothing was merged.
        """
        forge = self.access.forge(project)
        offered = await forge.get_pull_request(number)
        outcome = await forge.merge_pull_request(
            number,
            expected_head_sha=expected_head_sha or offered.head_sha,
            message=message or f"{offered.title} (#{number})\n\n{offered.body}".strip(),
        )
        merged = _merged(outcome, number)
        pull = await forge.get_pull_request(number)
        event = NewEvent(
            type=EventType.PULL_REQUEST_MERGED,
            message=f"pull request #{number} merged by {actor}",
            data={"number": number, "state": PrState.MERGED, "sha": merged.sha, "by": actor},
        )
        workflow = await self._tell(project, number, state=PrState.MERGED, event=event)
        if workflow is not None and workflow.issue_number is not None:
            await forge.close_issue(workflow.issue_number)
        return MergeVerdict(pull=pull, workflow=workflow, sha=merged.sha, note=merged.note)

    async def close(self, project: Project, number: int, *, actor: str) -> Verdict:
        """Closes it without merging. Raises ConflictError when it is merged."""
        pull = await self.access.forge(project).close_pull_request(number)
        return await self._updated(project, pull, state=PrState.CLOSED, did="closed", actor=actor)

    async def mark_ready(self, project: Project, number: int, *, actor: str) -> Verdict:
        """Ends its draft. Raises ConflictError when it is closed."""
        pull = await self.access.forge(project).mark_ready(number)
        if pull.state != PrState.READY:
            return Verdict(pull=pull, workflow=await self.workflow_of(project, number))
        return await self._updated(project, pull, state=PrState.READY, did="marked ready", actor=actor)

    async def workflow_of(self, project: Project, number: int) -> Workflow | None:
        """The workflow that opened this pull request, looked for from the newest on."""
        before = None
        async with self.database.read() as connection:
            while page := await list_workflows(connection, project_id=project.id, limit=_PAGE, before=before):
                for workflow in page:
                    if workflow.pr_number == number:
                        return workflow
                before = (page[-1].created_at, page[-1].adw_id)
        return None

    async def _updated(self, project: Project, pull: PullRequest, *, state: PrState, did: str, actor: str) -> Verdict:
        event = NewEvent(
            type=EventType.PULL_REQUEST_UPDATED,
            message=f"pull request #{pull.number} {did} by {actor}",
            data={"number": pull.number, "state": state, "by": actor},
        )
        return Verdict(pull=pull, workflow=await self._tell(project, pull.number, state=state, event=event))

    async def _tell(self, project: Project, number: int, *, state: PrState, event: NewEvent) -> Workflow | None:
        """Records the state with its event; a workflow that knows already is not told again."""
        found = await self.workflow_of(project, number)
        if found is None:
            return None
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, found.adw_id)
            if workflow.pr_state is state:
                return workflow
            return await update_workflow(connection, found.adw_id, changes={"pr_state": state.value}, event=event)


def _merged(outcome: MergeOutcome, number: int) -> Merged:
    match outcome:
        case Merged():
            return outcome
        case MergeConflict(files=files):
            raise MergeConflictError(
                f"pull request #{number} conflicts with its base in {', '.join(files)}",
                hint="bring its branch up to date with the base, then merge again",
            )
        case HeadMoved(expected_sha=expected, actual_sha=actual):
            raise HeadMovedError(
                f"pull request #{number} is at {actual or 'no commit'}, not at {expected}",
                hint=f"look at what was added with `adw pr diff {number}`, then merge again",
            )
        case NotMergeable(reason=reason):
            hint = f"see `adw pr show {number}`; a draft is ended by `adw pr ready {number}`"
            raise NotMergeableError(reason, hint=hint)
