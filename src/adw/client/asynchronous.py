"""The client for programs with an event loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from adw.client import calls
from adw.client import types as t
from adw.client.answers import check_address, event_in, is_person_needed, raise_problem, transport_error, value_of
from adw.client.calls import Call, Money
from adw.domain.status import UNFINISHED, Status
from adw.kit.errors import UnreachableError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
STREAM_TIMEOUT_S = 60.0
"""The server says something at least every 15 s while events are followed."""
_PAUSE_S = 0.25


class AsyncAdwClient:
    """One server, spoken to from an event loop. Close it, or use it as a context manager.

    Every method raises the error of our own tree that the server's refusal stands for, `UnreachableError` when there
    is no server. `project` is a path, or a project's id or name; `key` makes repeating a call harmless.
    """

    def __init__(self, url: str, token: str, *, actor: str = "api", timeout_s: float = 120.0) -> None:
        self.url = check_address(url)
        self.actor = actor
        self._token = token
        self._timeout_s = timeout_s
        self._opened: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def send(self, call: Call[T]) -> T:
        """Sends a request and returns its typed answer."""
        import httpx

        headers = {} if call.key is None else {"Idempotency-Key": call.key}
        try:
            response = await self._http().request(
                call.method, call.path, params=call.query, json=call.json, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error
        return value_of(call, response)

    async def health(self) -> t.HealthDict:
        return await self.send(calls.health())

    async def ready(self) -> t.ReadinessDict:
        """What work depends on; also when some of it is missing."""
        return await self.send(calls.ready())

    async def create_workflow(self, *, key: str | None = None, **order: Unpack[t.OrderFields]) -> t.AcceptedDict:
        """Hands work in: an issue by its number, a sentence that becomes one, or a phase on earlier work."""
        return await self.send(calls.create_workflow(order, actor=self.actor, key=key))

    async def preview_workflow(self, **order: Unpack[t.OrderFields]) -> t.PreviewDict:
        """What the same order would become, and what speaks against it; nothing is made."""
        return await self.send(calls.preview_workflow(order, actor=self.actor))

    async def patch_workflow(self, *, key: str | None = None, **work: Unpack[t.WorkFields]) -> t.AcceptedDict:
        """A small change: a short plan, build and test."""
        return await self.send(calls.patch_workflow(work, actor=self.actor, key=key))

    async def quick_workflow(
        self, kind: str, *, key: str | None = None, **work: Unpack[t.WorkFields]
    ) -> t.AcceptedDict:
        """Hands work in, its kind named first."""
        return await self.send(calls.quick_workflow(kind, work, actor=self.actor, key=key))

    async def run_phase(
        self,
        adw_id: str,
        phase: str,
        *,
        model_set: str | None = None,
        options: t.WorkOptions | None = None,
        key: str | None = None,
    ) -> t.AcceptedDict:
        """A single phase on a workflow that has completed or failed."""
        return await self.send(
            calls.run_phase(adw_id, phase, model_set=model_set, options=options, actor=self.actor, key=key)
        )

    async def list_workflows(
        self,
        *,
        status: Sequence[str] = (),
        kind: str | None = None,
        project: str | None = None,
        text: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> t.WorkflowPageDict:
        """Newest first; `after` is the `nextCursor` of the page before."""
        return await self.send(
            calls.list_workflows(status=status, kind=kind, project=project, text=text, limit=limit, after=after)
        )

    async def get_workflow(self, adw_id: str) -> t.WorkflowDict:
        return await self.send(calls.get_workflow(adw_id))

    async def pause(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.act(adw_id, "pause", actor=self.actor))

    async def resume(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.act(adw_id, "resume", actor=self.actor))

    async def cancel(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.act(adw_id, "cancel", actor=self.actor))

    async def retry(
        self, adw_id: str, *, from_phase: str | None = None, discard_foreign: bool = False
    ) -> t.WorkflowAnswerDict:
        """What failed once more, or everything from a phase on."""
        return await self.send(
            calls.retry(adw_id, from_phase=from_phase, discard_foreign=discard_foreign, actor=self.actor)
        )

    async def fork(
        self, adw_id: str, *, from_phase: str, workflow_type: str | None = None, key: str | None = None
    ) -> t.AcceptedDict:
        return await self.send(
            calls.fork(adw_id, from_phase=from_phase, workflow_type=workflow_type, actor=self.actor, key=key)
        )

    async def compare(self, first: str, second: str) -> t.ComparisonDict:
        return await self.send(calls.compare(first, second))

    async def takeover(self, adw_id: str) -> t.TakeoverDict:
        return await self.send(calls.takeover(adw_id, actor=self.actor))

    async def handback(self, adw_id: str, *, message: str | None = None) -> t.WorkflowAnswerDict:
        return await self.send(calls.handback(adw_id, message=message, actor=self.actor))

    async def send_message(self, adw_id: str, message: str) -> t.MessageDict:
        """Something for the workflow's agents to hear."""
        return await self.send(calls.send_message(adw_id, message=message, actor=self.actor))

    async def messages(self, adw_id: str) -> t.MessageListDict:
        return await self.send(calls.messages(adw_id))

    async def agents(self) -> t.AgentListDict:
        """Agents at work."""
        return await self.send(calls.agents())

    async def delete_workflow(self, adw_id: str) -> t.WorkflowAnswerDict:
        """The same as `cancel`."""
        return await self.send(calls.delete_workflow(adw_id))

    async def events(
        self, adw_id: str, *, after: int = 0, limit: int = 200, types: Sequence[str] = ()
    ) -> t.EventPageDict:
        """A page of events, oldest first."""
        return await self.send(calls.events(adw_id, after=after, limit=limit, types=types))

    async def phases(self, adw_id: str) -> t.PhaseListDict:
        """Every attempt at every phase."""
        return await self.send(calls.phases(adw_id))

    async def outputs(self, adw_id: str) -> t.OutputListDict:
        """The agents' conversations."""
        return await self.send(calls.outputs(adw_id))

    async def evidence(self, adw_id: str) -> t.EvidenceListDict:
        return await self.send(calls.evidence(adw_id))

    async def usage(self, adw_id: str) -> t.WorkflowUsageDict:
        return await self.send(calls.usage(adw_id))

    async def diff(self, adw_id: str) -> str:
        """What the workflow changes, as a unified diff."""
        return await self.send(calls.diff(adw_id))

    async def diff_stat(self, adw_id: str) -> t.DiffStatDict:
        """Which files it touches, and by how many lines."""
        return await self.send(calls.diff_stat(adw_id))

    async def transcript(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> t.TranscriptDict:
        """What agents said and did; all of them unless told otherwise."""
        return await self.send(calls.transcript(adw_id, role=role, phase=phase))

    async def transcript_markdown(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> str:
        """The same for people to read."""
        return await self.send(calls.transcript_markdown(adw_id, role=role, phase=phase))

    async def cost(self, by: t.CostBy = "workflow", *, since: str | None = None, limit: int = 100) -> t.CostTableDict:
        """What models cost, grouped; `since` is an ISO 8601 date or moment, UTC unless it says."""
        return await self.send(calls.cost(by, since=since, limit=limit))

    async def kpi(
        self, *, project: str | None = None, kind: str | None = None, since: str | None = None, limit: int = 20
    ) -> t.KpiTableDict:
        """How well work goes, by project and kind; `limit` is of the workflows told one by one."""
        return await self.send(calls.kpi(project=project, kind=kind, since=since, limit=limit))

    async def artifacts(self, adw_id: str) -> t.ArtifactListDict:
        return await self.send(calls.artifacts(adw_id))

    async def artifact(self, adw_id: str, name: str) -> bytes:
        return await self.send(calls.artifact(adw_id, name))

    async def approvals(self, *, adw_id: str | None = None, pending: bool = False) -> t.ApprovalListDict:
        return await self.send(calls.approvals(adw_id=adw_id, pending=pending))

    async def allow(
        self, reference: str, *, reason: str | None = None, budget_usd: Money | None = None
    ) -> t.DecidedDict:
        """By the beginning of an approval's id, or a workflow's that has one question."""
        return await self.send(calls.decide(reference, "allow", reason=reason, budget_usd=budget_usd, actor=self.actor))

    async def deny(self, reference: str, *, reason: str | None = None) -> t.DecidedDict:
        return await self.send(calls.decide(reference, "deny", reason=reason, budget_usd=None, actor=self.actor))

    async def projects(self) -> t.ProjectListDict:
        return await self.send(calls.projects())

    async def add_project(self, path: str, *, base: str | None = None) -> t.AddedProjectDict:
        """The project at an absolute path, made if it is new."""
        return await self.send(calls.add_project(path, base=base))

    async def project(self, project: str) -> t.ProjectDetailDict:
        """With the commands found in it."""
        return await self.send(calls.project(project))

    async def issues(self, project: str, *, state: t.IssueFilter = "open", limit: int = 50) -> t.IssueListDict:
        return await self.send(calls.issues(project, state=state, limit=limit))

    async def create_issue(
        self, project: str, *, title: str, body: str = "", labels: Sequence[str] = (), key: str | None = None
    ) -> t.IssueDict:
        return await self.send(
            calls.create_issue(project, title=title, body=body, labels=labels, actor=self.actor, key=key)
        )

    async def issue(self, project: str, number: int) -> t.IssueDetailDict:
        return await self.send(calls.issue(project, number))

    async def comment_issue(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return await self.send(calls.comment_issue(project, number, body=body, actor=self.actor, key=key))

    async def close_issue(self, project: str, number: int) -> t.IssueDict:
        return await self.send(calls.close_issue(project, number))

    async def pulls(self, project: str, *, state: t.PullFilter = "open", limit: int = 50) -> t.PullListDict:
        return await self.send(calls.pulls(project, state=state, limit=limit))

    async def pull(self, project: str, number: int) -> t.PullDetailDict:
        return await self.send(calls.pull(project, number))

    async def pull_diff(self, project: str, number: int) -> str:
        return await self.send(calls.pull_diff(project, number))

    async def comment_pull(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return await self.send(calls.comment_pull(project, number, body=body, actor=self.actor, key=key))

    async def review_pull(
        self,
        project: str,
        number: int,
        *,
        state: t.ReviewVerdict,
        body: str = "",
        comments: Sequence[t.ReviewCommentDict] = (),
        key: str | None = None,
    ) -> t.ReviewDict:
        return await self.send(
            calls.review_pull(project, number, state=state, body=body, comments=comments, actor=self.actor, key=key)
        )

    async def ready_pull(self, project: str, number: int) -> t.PullAnswerDict:
        """Ends the draft."""
        return await self.send(calls.ready_pull(project, number, actor=self.actor))

    async def merge_pull(
        self, project: str, number: int, *, expected_head_sha: str | None = None, message: str | None = None
    ) -> t.MergedDict:
        """Squashes it onto its base; `ConflictError` when that cannot be done."""
        return await self.send(
            calls.merge_pull(project, number, expected_head_sha=expected_head_sha, message=message, actor=self.actor)
        )

    async def close_pull(self, project: str, number: int) -> t.PullAnswerDict:
        return await self.send(calls.close_pull(project, number, actor=self.actor))

    async def worktrees(self) -> t.WorktreeListDict:
        return await self.send(calls.worktrees())

    async def clean_worktrees(self, *, dry_run: bool = False) -> t.CleanupDict:
        return await self.send(calls.clean_worktrees(dry_run=dry_run))

    async def workers(self) -> t.WorkerListDict:
        return await self.send(calls.workers())

    async def stream_events(
        self, adw_id: str, *, after: int = 0, types: Sequence[str] = ()
    ) -> AsyncIterator[t.EventDict]:
        """Events as they happen, until the workflow has ended or the server stops."""
        import httpx

        call = calls.stream_events(adw_id, after=after, types=types)
        timeout = httpx.Timeout(STREAM_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            async with self._http().stream("GET", call.path, params=call.query, timeout=timeout) as response:
                if not response.is_success:
                    await response.aread()
                    raise_problem(response)
                async for line in response.aiter_lines():
                    event = event_in(line)
                    if event is not None:
                        yield event
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error

    async def wait(
        self,
        adw_id: str,
        *,
        on_event: Callable[[t.EventDict], Awaitable[None]] | None = None,
        after: int = 0,
        stop_for_person: bool = False,
        patience_s: float = 30.0,
    ) -> t.WorkflowDict:
        """Waits until the workflow has ended and returns it; a server that restarts meanwhile is waited for.

        With `stop_for_person` it also returns when the workflow waits for an answer. Raises `UnreachableError` when
        the server is gone for longer than `patience_s`.
        """
        seen_at = time.monotonic()
        while True:
            try:
                async for event in self.stream_events(adw_id, after=after):
                    after, seen_at = event["seq"], time.monotonic()
                    if on_event is not None:
                        await on_event(event)
                    if stop_for_person and event["type"] == "workflow_waiting":
                        break
                workflow = await self.get_workflow(adw_id)
                seen_at = time.monotonic()
            except UnreachableError:
                if time.monotonic() - seen_at > patience_s:
                    raise
            else:
                if Status(workflow["status"]) not in UNFINISHED:
                    return workflow
                if stop_for_person and is_person_needed(workflow["status"], workflow["waitReason"]):
                    return workflow
            import asyncio

            await asyncio.sleep(_PAUSE_S)

    def _http(self) -> httpx.AsyncClient:
        if self._opened is None:
            import httpx

            # No proxy and no netrc from the environment: both would take the token elsewhere.
            self._opened = httpx.AsyncClient(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return self._opened
