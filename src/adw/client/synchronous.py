"""The client for programs without an event loop, such as the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
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


class AdwClient:
    """One server. Close it, or use it as a context manager.

    Every method raises the error of our own tree that the server's refusal stands for, `UnreachableError` when there
    is no server. `project` is a path, or a project's id or name; `key` makes repeating a call harmless.
    """

    def __init__(self, url: str, token: str, *, actor: str = "api", timeout_s: float = 120.0) -> None:
        self.url = check_address(url)
        self.actor = actor
        self._token = token
        self._timeout_s = timeout_s
        self._opened: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def send(self, call: Call[T]) -> T:
        """Sends a request and returns its typed answer."""
        import httpx

        headers = {} if call.key is None else {"Idempotency-Key": call.key}
        try:
            response = self._http().request(call.method, call.path, params=call.query, json=call.json, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error
        return value_of(call, response)

    def health(self) -> t.HealthDict:
        return self.send(calls.health())

    def ready(self) -> t.ReadinessDict:
        """What work depends on; also when some of it is missing."""
        return self.send(calls.ready())

    def create_workflow(self, *, key: str | None = None, **order: Unpack[t.OrderFields]) -> t.AcceptedDict:
        """Hands work in: an issue by its number, a sentence that becomes one, or a phase on earlier work."""
        return self.send(calls.create_workflow(order, actor=self.actor, key=key))

    def preview_workflow(self, **order: Unpack[t.OrderFields]) -> t.PreviewDict:
        """What the same order would become, and what speaks against it; nothing is made."""
        return self.send(calls.preview_workflow(order, actor=self.actor))

    def patch_workflow(self, *, key: str | None = None, **work: Unpack[t.WorkFields]) -> t.AcceptedDict:
        """A small change: a short plan, build and test."""
        return self.send(calls.patch_workflow(work, actor=self.actor, key=key))

    def quick_workflow(self, kind: str, *, key: str | None = None, **work: Unpack[t.WorkFields]) -> t.AcceptedDict:
        """Hands work in, its kind named first."""
        return self.send(calls.quick_workflow(kind, work, actor=self.actor, key=key))

    def run_phase(
        self,
        adw_id: str,
        phase: str,
        *,
        model_set: str | None = None,
        options: t.WorkOptions | None = None,
        key: str | None = None,
    ) -> t.AcceptedDict:
        """A single phase on a workflow that has completed or failed."""
        return self.send(
            calls.run_phase(adw_id, phase, model_set=model_set, options=options, actor=self.actor, key=key)
        )

    def list_workflows(
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
        return self.send(
            calls.list_workflows(status=status, kind=kind, project=project, text=text, limit=limit, after=after)
        )

    def get_workflow(self, adw_id: str) -> t.WorkflowDict:
        return self.send(calls.get_workflow(adw_id))

    def pause(self, adw_id: str) -> t.WorkflowAnswerDict:
        return self.send(calls.act(adw_id, "pause", actor=self.actor))

    def resume(self, adw_id: str) -> t.WorkflowAnswerDict:
        return self.send(calls.act(adw_id, "resume", actor=self.actor))

    def cancel(self, adw_id: str) -> t.WorkflowAnswerDict:
        return self.send(calls.act(adw_id, "cancel", actor=self.actor))

    def retry(
        self, adw_id: str, *, from_phase: str | None = None, discard_foreign: bool = False
    ) -> t.WorkflowAnswerDict:
        """What failed once more, or everything from a phase on."""
        return self.send(calls.retry(adw_id, from_phase=from_phase, discard_foreign=discard_foreign, actor=self.actor))

    def fork(
        self, adw_id: str, *, from_phase: str, workflow_type: str | None = None, key: str | None = None
    ) -> t.AcceptedDict:
        return self.send(
            calls.fork(adw_id, from_phase=from_phase, workflow_type=workflow_type, actor=self.actor, key=key)
        )

    def compare(self, first: str, second: str) -> t.ComparisonDict:
        return self.send(calls.compare(first, second))

    def takeover(self, adw_id: str) -> t.TakeoverDict:
        return self.send(calls.takeover(adw_id, actor=self.actor))

    def handback(self, adw_id: str, *, message: str | None = None) -> t.WorkflowAnswerDict:
        return self.send(calls.handback(adw_id, message=message, actor=self.actor))

    def send_message(self, adw_id: str, message: str) -> t.MessageDict:
        """Something for the workflow's agents to hear."""
        return self.send(calls.send_message(adw_id, message=message, actor=self.actor))

    def messages(self, adw_id: str) -> t.MessageListDict:
        return self.send(calls.messages(adw_id))

    def agents(self) -> t.AgentListDict:
        """Agents at work."""
        return self.send(calls.agents())

    def delete_workflow(self, adw_id: str) -> t.WorkflowAnswerDict:
        """The same as `cancel`."""
        return self.send(calls.delete_workflow(adw_id))

    def events(self, adw_id: str, *, after: int = 0, limit: int = 200, types: Sequence[str] = ()) -> t.EventPageDict:
        """A page of events, oldest first."""
        return self.send(calls.events(adw_id, after=after, limit=limit, types=types))

    def phases(self, adw_id: str) -> t.PhaseListDict:
        """Every attempt at every phase."""
        return self.send(calls.phases(adw_id))

    def outputs(self, adw_id: str) -> t.OutputListDict:
        """The agents' conversations."""
        return self.send(calls.outputs(adw_id))

    def evidence(self, adw_id: str) -> t.EvidenceListDict:
        return self.send(calls.evidence(adw_id))

    def usage(self, adw_id: str) -> t.WorkflowUsageDict:
        return self.send(calls.usage(adw_id))

    def diff(self, adw_id: str) -> str:
        """What the workflow changes, as a unified diff."""
        return self.send(calls.diff(adw_id))

    def diff_stat(self, adw_id: str) -> t.DiffStatDict:
        """Which files it touches, and by how many lines."""
        return self.send(calls.diff_stat(adw_id))

    def transcript(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> t.TranscriptDict:
        """What agents said and did; all of them unless told otherwise."""
        return self.send(calls.transcript(adw_id, role=role, phase=phase))

    def transcript_markdown(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> str:
        """The same for people to read."""
        return self.send(calls.transcript_markdown(adw_id, role=role, phase=phase))

    def cost(self, by: t.CostBy = "workflow", *, since: str | None = None, limit: int = 100) -> t.CostTableDict:
        """What models cost, grouped; `since` is an ISO 8601 date or moment, UTC unless it says."""
        return self.send(calls.cost(by, since=since, limit=limit))

    def kpi(
        self, *, project: str | None = None, kind: str | None = None, since: str | None = None, limit: int = 20
    ) -> t.KpiTableDict:
        """How well work goes, by project and kind; `limit` is of the workflows told one by one."""
        return self.send(calls.kpi(project=project, kind=kind, since=since, limit=limit))

    def artifacts(self, adw_id: str) -> t.ArtifactListDict:
        return self.send(calls.artifacts(adw_id))

    def artifact(self, adw_id: str, name: str) -> bytes:
        return self.send(calls.artifact(adw_id, name))

    def approvals(self, *, adw_id: str | None = None, pending: bool = False) -> t.ApprovalListDict:
        return self.send(calls.approvals(adw_id=adw_id, pending=pending))

    def allow(self, reference: str, *, reason: str | None = None, budget_usd: Money | None = None) -> t.DecidedDict:
        """By the beginning of an approval's id, or a workflow's that has one question."""
        return self.send(calls.decide(reference, "allow", reason=reason, budget_usd=budget_usd, actor=self.actor))

    def deny(self, reference: str, *, reason: str | None = None) -> t.DecidedDict:
        return self.send(calls.decide(reference, "deny", reason=reason, budget_usd=None, actor=self.actor))

    def projects(self) -> t.ProjectListDict:
        return self.send(calls.projects())

    def add_project(self, path: str, *, base: str | None = None) -> t.AddedProjectDict:
        """The project at an absolute path, made if it is new."""
        return self.send(calls.add_project(path, base=base))

    def project(self, project: str) -> t.ProjectDetailDict:
        """With the commands found in it."""
        return self.send(calls.project(project))

    def issues(self, project: str, *, state: t.IssueFilter = "open", limit: int = 50) -> t.IssueListDict:
        return self.send(calls.issues(project, state=state, limit=limit))

    def create_issue(
        self, project: str, *, title: str, body: str = "", labels: Sequence[str] = (), key: str | None = None
    ) -> t.IssueDict:
        return self.send(calls.create_issue(project, title=title, body=body, labels=labels, actor=self.actor, key=key))

    def issue(self, project: str, number: int) -> t.IssueDetailDict:
        return self.send(calls.issue(project, number))

    def comment_issue(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return self.send(calls.comment_issue(project, number, body=body, actor=self.actor, key=key))

    def close_issue(self, project: str, number: int) -> t.IssueDict:
        return self.send(calls.close_issue(project, number))

    def pulls(self, project: str, *, state: t.PullFilter = "open", limit: int = 50) -> t.PullListDict:
        return self.send(calls.pulls(project, state=state, limit=limit))

    def pull(self, project: str, number: int) -> t.PullDetailDict:
        return self.send(calls.pull(project, number))

    def pull_diff(self, project: str, number: int) -> str:
        return self.send(calls.pull_diff(project, number))

    def comment_pull(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return self.send(calls.comment_pull(project, number, body=body, actor=self.actor, key=key))

    def review_pull(
        self,
        project: str,
        number: int,
        *,
        state: t.ReviewVerdict,
        body: str = "",
        comments: Sequence[t.ReviewCommentDict] = (),
        key: str | None = None,
    ) -> t.ReviewDict:
        return self.send(
            calls.review_pull(project, number, state=state, body=body, comments=comments, actor=self.actor, key=key)
        )

    def ready_pull(self, project: str, number: int) -> t.PullAnswerDict:
        """Ends the draft."""
        return self.send(calls.ready_pull(project, number, actor=self.actor))

    def merge_pull(
        self, project: str, number: int, *, expected_head_sha: str | None = None, message: str | None = None
    ) -> t.MergedDict:
        """Squashes it onto its base; `ConflictError` when that cannot be done."""
        return self.send(
            calls.merge_pull(project, number, expected_head_sha=expected_head_sha, message=message, actor=self.actor)
        )

    def close_pull(self, project: str, number: int) -> t.PullAnswerDict:
        return self.send(calls.close_pull(project, number, actor=self.actor))

    def worktrees(self) -> t.WorktreeListDict:
        return self.send(calls.worktrees())

    def clean_worktrees(self, *, dry_run: bool = False) -> t.CleanupDict:
        return self.send(calls.clean_worktrees(dry_run=dry_run))

    def workers(self) -> t.WorkerListDict:
        return self.send(calls.workers())

    def stream_events(self, adw_id: str, *, after: int = 0, types: Sequence[str] = ()) -> Iterator[t.EventDict]:
        """Events as they happen, until the workflow has ended or the server stops."""
        import httpx

        call = calls.stream_events(adw_id, after=after, types=types)
        timeout = httpx.Timeout(STREAM_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            with self._http().stream("GET", call.path, params=call.query, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise_problem(response)
                for line in response.iter_lines():
                    event = event_in(line)
                    if event is not None:
                        yield event
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error

    def wait(
        self,
        adw_id: str,
        *,
        on_event: Callable[[t.EventDict], None] | None = None,
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
                for event in self.stream_events(adw_id, after=after):
                    after, seen_at = event["seq"], time.monotonic()
                    if on_event is not None:
                        on_event(event)
                    if stop_for_person and event["type"] == "workflow_waiting":
                        break
                workflow = self.get_workflow(adw_id)
                seen_at = time.monotonic()
            except UnreachableError:
                if time.monotonic() - seen_at > patience_s:
                    raise
            else:
                if Status(workflow["status"]) not in UNFINISHED:
                    return workflow
                if stop_for_person and is_person_needed(workflow["status"], workflow["waitReason"]):
                    return workflow
            time.sleep(_PAUSE_S)

    def _http(self) -> httpx.Client:
        if self._opened is None:
            import httpx

            # No proxy and no netrc from the environment: both would take the token elsewhere.
            self._opened = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return self._opened
