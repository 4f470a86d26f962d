"""Looks at the base branch after a merge of ours, and offers to take the merge back when it broke something there."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

import structlog

from adw.control.rounds import ask_to_go_on
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.feedback_after import (
    After,
    AfterFacts,
    Finish,
    LookLater,
    RunAgain,
    TakeBack,
    TellRed,
    after_from,
    after_to,
    decide_after,
)
from adw.domain.feedback_checks import judge_check
from adw.domain.forge_checks import Check, CheckState
from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.ports.projects import ProjectAccess
from adw.store import approvals
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.watches import Watch, hold_claim, release

_AGAIN_S = 30.0

_log = structlog.get_logger(component="watcher")


class AfterMerge:
    """One look at the commit of a merge."""

    def __init__(
        self, database: Database, access: ProjectAccess, *, watch: Watch, workflow: Workflow, project: Project
    ) -> None:
        self._database = database
        self._access = access
        self._forge = access.forge(project)
        self._watch = watch
        self._workflow = workflow
        self._project = project
        known = after_from(watch.history.get("after"))
        self._after = known if known.since is not None else replace(known, since=time.time())

    async def look(self) -> None:
        """Looks once and puts the watch back. Raises what a forge raises."""
        sha = self._workflow.merge_sha
        if sha is None:
            await self._put_back(self._after, stage_is_done=True)
            return
        red, facts = await self._facts(sha)
        action = decide_after(facts, self._after)
        _log.debug("looked_at_base", adw_id=self._watch.adw_id, action=type(action).__name__)
        match action:
            case LookLater(after_s=after_s):
                await self._put_back(self._after, after_s=after_s)
            case RunAgain(check=check):
                noted = replace(self._after, reruns=(*self._after.reruns, check.name))
                if await self._put_back(noted, after_s=_AGAIN_S):
                    await self._forge.rerun_check(red[check.name])
            case TellRed():
                await self._tell(sha, action)
            case TakeBack():
                await self._take_back(sha)
            case Finish():
                await self._put_back(self._after, stage_is_done=True)

    async def _facts(self, sha: str) -> tuple[dict[str, Check], AfterFacts]:
        async with self._database.read() as connection:
            question = await _answer(connection, self._watch.adw_id, self._after.asked)
        age_s = time.time() - (self._after.since or 0.0)
        if question != "none":
            return {}, AfterFacts(age_s=age_s, has_checks=True, is_pending=False, question=question)
        now = await self._forge.list_checks(sha)
        failed = [check for check in now if check.state is CheckState.FAILED]
        before_sha = str(self._watch.history.get("base_head") or self._workflow.base_sha)
        before = await self._forge.list_checks(before_sha) if failed else []
        green = {check.name for check in before if check.state is CheckState.PASSED}
        red = {check.name: check for check in failed if check.name in green}
        turned = [judge_check(check, await self._forge.check_log(check), red_on_base=False) for check in red.values()]
        is_pending = any(check.state is CheckState.PENDING for check in now)
        return red, AfterFacts(age_s=age_s, has_checks=bool(now), is_pending=is_pending, turned=tuple(turned))

    async def _tell(self, sha: str, action: TellRed) -> None:
        workflow, adw_id = self._workflow, self._watch.adw_id
        head = f"After the merge as `{sha[:12]}`, checks of {workflow.base_branch} turned red:\n\n{action.text}"
        offer = f"Take it back? `adw approval allow {adw_id}` opens a pull request that reverts it."
        body = f"{head}\n\n{offer}" if action.offers_revert else head
        for number in {workflow.pr_number, workflow.issue_number} - {None}:
            await self._forge.create_comment(int(str(number)), body=body, key=f"{adw_id}:red:{sha[:12]}")
        async with self._database.begin() as connection:
            if not await hold_claim(connection, self._watch):
                return
            asked = f"revert:{sha[:12]}" if action.offers_revert else None
            told = NewEvent(type=EventType.COMMENT_POSTED, message=head, data={"sha": sha, "offersRevert": bool(asked)})
            await append_event(connection, adw_id, told)
            if asked is not None:
                text = f"{head}\n\nOpen a pull request that takes the merge back?"
                data = {"number": workflow.pr_number, "sha": sha}
                await ask_to_go_on(connection, adw_id, key=asked, text=text, kind=ApprovalKind.REVERT, data=data)
            await self._release(connection, replace(self._after, asked=asked), stage_is_done=asked is None)

    async def _take_back(self, sha: str) -> None:
        """The commit, its branch and its pull request, each found again by a repeat."""
        workflow, adw_id = self._workflow, self._watch.adw_id
        base_head = await self._forge.branch_head(workflow.base_branch)
        message = f'Revert "{workflow.issue_title}"\n\nTakes back {sha}, after which checks turned red.'
        made = await self._access.revert(self._project, sha=sha, onto=base_head or sha, message=message)
        if made is None:
            said = f"`{sha[:12]}` cannot be taken back by itself: later changes touch the same lines."
        else:
            branch = f"revert-{workflow.branch_name or adw_id}"[:200]
            await self._access.start_branch(self._project, branch=branch, sha=made)
            pull = await self._forge.ensure_pull_request(
                head=branch,
                base=workflow.base_branch,
                title=f"Revert: {workflow.issue_title}"[:200],
                body=f"Takes back #{workflow.pr_number}, merged as {sha}, after which checks turned red.",
                draft=False,
                key=f"{adw_id}:revert:{sha[:12]}",
            )
            said = f"#{pull.number} takes this back."
        if workflow.pr_number is not None:
            await self._forge.create_comment(workflow.pr_number, body=said, key=f"{adw_id}:reverting:{sha[:12]}")
        event = NewEvent(type=EventType.COMMENT_POSTED, message=said, data={"sha": sha})
        await self._put_back(self._after, stage_is_done=True, event=event)

    async def _put_back(
        self, after: After, *, after_s: float = 0, stage_is_done: bool = False, event: NewEvent | None = None
    ) -> bool:
        """Tells whether the claim still counted."""
        async with self._database.begin() as connection:
            if not await hold_claim(connection, self._watch):
                return False
            if event is not None:
                await append_event(connection, self._watch.adw_id, event)
            await self._release(connection, after, after_s=after_s, stage_is_done=stage_is_done)
            return True

    async def _release(
        self, connection: Connection, after: After, *, after_s: float = 0, stage_is_done: bool = False
    ) -> None:
        history = {**self._watch.history, "after": after_to(after)}
        stage = "done" if stage_is_done else "after"
        await release(connection, self._watch, after_s=after_s, history=history, stage=stage)


async def _answer(
    connection: Connection, adw_id: str, key: str | None
) -> Literal["none", "pending", "allowed", "denied"]:
    asked = [each for each in await approvals.list_approvals(connection, adw_id=adw_id) if each.key == key]
    if key is None or not asked:
        return "none"
    if asked[-1].decision is Decision.PENDING:
        return "pending"
    return "allowed" if asked[-1].decision is Decision.ALLOWED else "denied"
