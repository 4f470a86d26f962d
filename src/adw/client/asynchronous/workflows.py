"""Handing in work, steering it, answering what it asks, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection
from adw.client.calls import Money


class AsyncWorkflows(AsyncConnection):
    """Handing in work, steering it, answering what it asks."""

    async def create_workflow(self, *, key: str | None = None, **order: Unpack[t.OrderFields]) -> t.AcceptedDict:
        """Hands work in: an issue by its number, a sentence that becomes one, or a phase on earlier work."""
        return await self.send(calls.workflows.create_workflow(order, actor=self.actor, key=key))

    async def preview_workflow(self, **order: Unpack[t.OrderFields]) -> t.PreviewDict:
        """What the same order would become, and what speaks against it; nothing is made."""
        return await self.send(calls.workflows.preview_workflow(order, actor=self.actor))

    async def patch_workflow(self, *, key: str | None = None, **work: Unpack[t.WorkFields]) -> t.AcceptedDict:
        """A small change: a short plan, build and test."""
        return await self.send(calls.workflows.patch_workflow(work, actor=self.actor, key=key))

    async def quick_workflow(
        self, kind: str, *, key: str | None = None, **work: Unpack[t.WorkFields]
    ) -> t.AcceptedDict:
        """Hands work in, its kind named first."""
        return await self.send(calls.workflows.quick_workflow(kind, work, actor=self.actor, key=key))

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
            calls.workflows.run_phase(adw_id, phase, model_set=model_set, options=options, actor=self.actor, key=key)
        )

    async def list_workflows(
        self,
        *,
        status: Sequence[str] = (),
        kind: str | None = None,
        project: str | None = None,
        text: str | None = None,
        since: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> t.WorkflowPageDict:
        """Newest first; `after` is the `nextCursor` of the page before."""
        return await self.send(
            calls.workflows.list_workflows(
                status=status, kind=kind, project=project, text=text, since=since, limit=limit, after=after
            )
        )

    async def get_workflow(self, adw_id: str) -> t.WorkflowDict:
        return await self.send(calls.workflows.get_workflow(adw_id))

    async def pause(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.workflows.act(adw_id, "pause", actor=self.actor))

    async def resume(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.workflows.act(adw_id, "resume", actor=self.actor))

    async def cancel(self, adw_id: str) -> t.WorkflowAnswerDict:
        return await self.send(calls.workflows.act(adw_id, "cancel", actor=self.actor))

    async def retry(
        self,
        adw_id: str,
        *,
        from_phase: str | None = None,
        discard_foreign: bool = False,
        **otherwise: Unpack[t.OtherwiseFields],
    ) -> t.WorkflowAnswerDict:
        """What failed once more, or everything from a phase on; with other models, or after some words."""
        return await self.send(
            calls.workflows.retry(
                adw_id,
                from_phase=from_phase,
                discard_foreign=discard_foreign,
                actor=self.actor,
                otherwise=otherwise,
            )
        )

    async def fork(
        self,
        adw_id: str,
        *,
        from_phase: str,
        workflow_type: str | None = None,
        key: str | None = None,
        **otherwise: Unpack[t.OtherwiseFields],
    ) -> t.AcceptedDict:
        return await self.send(
            calls.workflows.fork(
                adw_id,
                from_phase=from_phase,
                workflow_type=workflow_type,
                actor=self.actor,
                key=key,
                otherwise=otherwise,
            )
        )

    async def compare(self, first: str, second: str) -> t.ComparisonDict:
        return await self.send(calls.workflows.compare(first, second))

    async def takeover(self, adw_id: str) -> t.TakeoverDict:
        return await self.send(calls.workflows.takeover(adw_id, actor=self.actor))

    async def handback(self, adw_id: str, *, message: str | None = None) -> t.WorkflowAnswerDict:
        return await self.send(calls.workflows.handback(adw_id, message=message, actor=self.actor))

    async def send_message(self, adw_id: str, message: str) -> t.MessageDict:
        """Something for the workflow's agents to hear."""
        return await self.send(calls.workflows.send_message(adw_id, message=message, actor=self.actor))

    async def execute(
        self, adw_id: str, *, command: str | None = None, prompt: str | None = None, key: str | None = None
    ) -> t.AcceptedDict:
        """Runs the phase a command such as `/test` names, or builds on with a prompt; one of both."""
        call = calls.workflows.execute(adw_id, command=command, prompt=prompt, actor=self.actor, key=key)
        return await self.send(call)

    async def messages(self, adw_id: str) -> t.MessageListDict:
        return await self.send(calls.workflows.messages(adw_id))

    async def agents(self) -> t.AgentListDict:
        """Agents at work."""
        return await self.send(calls.workflows.agents())

    async def delete_workflow(self, adw_id: str) -> t.WorkflowAnswerDict:
        """The same as `cancel`."""
        return await self.send(calls.workflows.delete_workflow(adw_id))

    async def approvals(self, *, adw_id: str | None = None, pending: bool = False) -> t.ApprovalListDict:
        return await self.send(calls.workflows.approvals(adw_id=adw_id, pending=pending))

    async def allow(
        self,
        reference: str,
        *,
        reason: str | None = None,
        budget_usd: Money | None = None,
        plan: str | None = None,
        tool_input: Mapping[str, Any] | None = None,
    ) -> t.DecidedDict:
        """By the beginning of an approval's id, or a workflow's with one question.

        `plan` takes the place of the plan asked about, `tool_input` that of all the input of an agent's call.
        """
        return await self.send(
            calls.workflows.decide(
                reference,
                "allow",
                reason=reason,
                budget_usd=budget_usd,
                actor=self.actor,
                plan=plan,
                tool_input=tool_input,
            )
        )

    async def deny(self, reference: str, *, reason: str | None = None) -> t.DecidedDict:
        return await self.send(
            calls.workflows.decide(reference, "deny", reason=reason, budget_usd=None, actor=self.actor)
        )
