"""One look at one pull request: facts, decision, and what follows, written in one transaction with the claim.

An effect on the forge comes before the record of it and has a key, so that a repeat finds it; only the order to run a
check again is recorded first, for it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import structlog

from adw.control.over import record_over, stop_for_good, tidy_up
from adw.control.rounds import ask_to_go_on, begin_round, ship_again
from adw.domain.approval import Decision
from adw.domain.config import FeedbackTable, ProjectConfig
from adw.domain.events import EventType, NewEvent
from adw.domain.feedback import (
    Ask,
    BeginRound,
    History,
    MergeNow,
    RecordClosed,
    RecordMerged,
    Rerun,
    Say,
    TakeAnswer,
    Wait,
    after_answer,
    after_asking,
    after_rerun,
    after_round,
    after_saying,
    history_from,
    history_to,
    question_key,
)
from adw.domain.feedback_decision import decide, pause_s
from adw.domain.kinds import MERGING, Phase
from adw.domain.phase import PhaseRow, PhaseStatus
from adw.domain.project import ForgeKind, Project
from adw.domain.status import OPEN_PR_STATES, PrState
from adw.domain.workflow import Workflow
from adw.kit.errors import ConfigurationError
from adw.ports.engine import Enqueuer
from adw.ports.projects import ProjectAccess
from adw.project.base_files import BaseFiles
from adw.store import approvals
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.phases import list_phases
from adw.store.projects import get_project
from adw.store.watches import Watch, hold_claim, open_branches, release, requests_of
from adw.store.workflows import require_workflow, update_workflow
from adw.worker.after import AfterMerge
from adw.workflows.feedback_facts import Eyes, Seen, Standing

SOON_S = 3.0
TIDY_S = 10.0

_log = structlog.get_logger(component="watcher")


class Watching:
    """What is done about pull requests, for all projects."""

    def __init__(self, database: Database, enqueuer: Enqueuer, access: ProjectAccess) -> None:
        self._database = database
        self._enqueuer = enqueuer
        self._access = access
        self._eyes = Eyes(access)

    async def look(self, watch: Watch) -> None:
        """Looks once and puts the watch back. Raises what a forge raises, with the watch still claimed."""
        standing = await self._standing(watch)
        if standing.workflow.pr_state not in OPEN_PR_STATES:
            await self._look_after(standing)
            return
        seen = await self._see(standing)
        action = decide(seen.facts, standing.history, standing.rules)
        _log.debug("looked", adw_id=watch.adw_id, action=type(action).__name__)
        match action:
            case BeginRound():
                await self._begin(standing, seen, action)
            case Rerun():
                await self._rerun(standing, seen, action)
            case Say():
                await self._say(standing, seen, action)
            case Ask():
                await self._ask(standing, seen, action)
            case TakeAnswer(allowed=allowed):
                await self._put_back(standing, seen, after_answer(standing.history, allowed=allowed), after_s=0)
            case MergeNow():
                await self._merge(standing, seen)
            case RecordMerged() | RecordClosed():
                await self._record_over(standing, seen)
            case Wait():
                await self._put_back(standing, seen, standing.history)

    async def _see(self, standing: Standing) -> Seen:
        seen = await self._eyes.look(standing)
        if seen.facts.is_busy or not seen.pull.is_open:
            return seen
        async with self._database.read() as connection:
            others = await open_branches(connection, project_id=standing.project.id, without=standing.watch.adw_id)
        return replace(seen, forecast=await self._eyes.forecast(standing, others))

    async def _standing(self, watch: Watch) -> Standing:
        history = history_from(watch.history)
        async with self._database.read() as connection:
            workflow = await require_workflow(connection, watch.adw_id)
            project = await get_project(connection, workflow.project_id)
            requests = await requests_of(connection, watch.adw_id)
            rows = await list_phases(connection, watch.adw_id)
            question = await _question(connection, watch.adw_id, history)
        config = await self._config(workflow, project)
        return Standing(
            workflow=workflow,
            project=project,
            watch=watch,
            history=history,
            requests=requests,
            question=question,
            since=watch.created_at,
            waits_to_merge=_waits_to_merge(workflow, rows),
            required_checks=config.gates.required_checks,
            bots=config.feedback.bots,
            rules=config.feedback.rules,
        )

    async def _config(self, workflow: Workflow, project: Project) -> ProjectConfig:
        """One that cannot be read switches everything off but the record of how the pull request ends."""
        try:
            return await BaseFiles(access=self._access, project=project, sha=workflow.base_sha).config()
        except ConfigurationError as error:
            _log.warning("config_unreadable", adw_id=workflow.adw_id, reason=error.message)
            off = FeedbackTable(checks=False, reviews=False, comments=False, base=False, commits=False)
            return ProjectConfig(feedback=off)

    async def _begin(self, standing: Standing, seen: Seen, begun: BeginRound) -> None:
        base = seen.base_head if begun.update_base else None
        async with self._database.begin() as connection:
            if not await hold_claim(connection, standing.watch):
                return
            is_begun = await begin_round(connection, standing.watch.adw_id, begun, base=base)
            history = after_round(standing.history, begun) if is_begun else standing.history
            await self._release(connection, standing, seen, history)

    async def _rerun(self, standing: Standing, seen: Seen, action: Rerun) -> None:
        history = after_rerun(standing.history, action.check, head=seen.pull.head_sha)
        event = _told(f"{action.check.name} may have failed by chance; it is run again", check=action.check.name)
        if not await self._put_back(standing, seen, history, event):
            return
        forge = self._access.forge(standing.project)
        if not await forge.rerun_check(seen.checks[action.check.name]):
            _log.warning("rerun_refused", adw_id=standing.watch.adw_id, check=action.check.name)

    async def _say(self, standing: Standing, seen: Seen, action: Say) -> None:
        key = f"{standing.watch.adw_id}:said:{len(standing.history.handled)}:{seen.pull.head_sha[:12]}"
        forge, number = self._access.forge(standing.project), seen.pull.number
        body = f"About the checks of this pull request:\n\n{action.text}"
        said = await forge.create_comment(number, body=body, key=key)
        event = NewEvent(type=EventType.COMMENT_POSTED, message=action.text, data={"number": number, "id": said.id})
        await self._put_back(standing, seen, after_saying(standing.history, action), event)

    async def _ask(self, standing: Standing, seen: Seen, action: Ask) -> None:
        adw_id, number = standing.watch.adw_id, standing.history.questions + 1
        body = f"{action.text}\n\nAnswer with `adw approval allow {adw_id}` or `adw approval deny {adw_id}`."
        forge = self._access.forge(standing.project)
        await forge.create_comment(seen.pull.number, body=body, key=f"{adw_id}:{question_key(number)}")
        async with self._database.begin() as connection:
            if not await hold_claim(connection, standing.watch):
                return
            data = {"number": seen.pull.number, "causes": list(action.causes)}
            text = f"pull request #{seen.pull.number}: {action.text}"
            await ask_to_go_on(connection, adw_id, key=question_key(number), text=text, data=data)
            await self._release(connection, standing, seen, after_asking(standing.history))

    async def _merge(self, standing: Standing, seen: Seen) -> None:
        async with self._database.begin() as connection:
            if await hold_claim(connection, standing.watch):
                await ship_again(connection, standing.watch.adw_id)
                await self._release(connection, standing, seen, standing.history)

    async def _record_over(self, standing: Standing, seen: Seen) -> None:
        """A merge is believed when its commit is seen on the base; until then it is looked for again."""
        pull, forge = seen.pull, self._access.forge(standing.project)
        is_there = pull.state == "closed" or (
            pull.merge_sha is not None and await forge.find_merge_on_base(sha=pull.merge_sha, base=pull.base)
        )
        async with self._database.begin() as connection:
            if not await hold_claim(connection, standing.watch):
                return
            if is_there:
                await record_over(connection, standing.watch.adw_id, pull)
            await self._release(connection, standing, seen, standing.history, after_s=0 if is_there else SOON_S)

    async def _look_after(self, standing: Standing) -> None:
        if standing.watch.stage != "after":
            await self._tidy(standing)
            return
        workflow, project = standing.workflow, standing.project
        after = AfterMerge(self._database, self._access, watch=standing.watch, workflow=workflow, project=project)
        await after.look()

    async def _tidy(self, standing: Standing) -> None:
        """After the end, whoever brought it about: what is under way is stopped, then issue and branch are settled."""
        watch = standing.watch
        async with self._database.begin() as connection:
            is_stopped = await hold_claim(connection, watch) and await stop_for_good(
                connection, watch.adw_id, enqueuer=self._enqueuer
            )
        if not is_stopped:
            async with self._database.begin() as connection:
                await release(connection, watch, after_s=TIDY_S)
            return
        note = await tidy_up(self._access, standing.project, standing.workflow)
        async with self._database.begin() as connection:
            if not await hold_claim(connection, watch):
                return
            if note is not None:
                await append_event(connection, watch.adw_id, _told(note, note=note))
            has_checks = self._access.forge(standing.project).capabilities.has_checks
            is_watched = has_checks and standing.workflow.pr_state is PrState.MERGED and standing.rules.checks
            await release(connection, watch, after_s=0, stage="after" if is_watched else "done")

    async def _put_back(
        self,
        standing: Standing,
        seen: Seen,
        history: History,
        event: NewEvent | None = None,
        *,
        after_s: float | None = None,
    ) -> bool:
        """Tells whether the claim still counted."""
        async with self._database.begin() as connection:
            if not await hold_claim(connection, standing.watch):
                return False
            if event is not None:
                await append_event(connection, standing.watch.adw_id, event)
            await self._release(connection, standing, seen, history, after_s=after_s)
            return True

    async def _release(
        self,
        connection: Connection,
        standing: Standing,
        seen: Seen,
        history: History,
        *,
        after_s: float | None = None,
    ) -> None:
        watch, adw_id = standing.watch, standing.watch.adw_id
        news = [each for each in seen.unheard if each.key not in history.handled]
        for each in news:
            message = f"{each.author} is not heard on pull request #{seen.pull.number}: {each.reason}"
            await append_event(connection, adw_id, _told(message, key=each.key, author=each.author))
        await _follow_state(connection, standing, seen)
        await _tell_clashes(connection, watch, seen)
        foreign = seen.unconfirmed if seen.unconfirmed is not None else history.foreign
        noted = replace(
            history,
            handled=history.handled | {each.key for each in news},
            foreign=foreign,
            base_head=seen.base_head or history.base_head,
        )
        quiet = watch.quiet + 1 if seen.digest == watch.seen else 0
        near = standing.project.forge is ForgeKind.LOCAL
        pause = SOON_S if seen.unconfirmed is not None else pause_s(seen.facts, quiet=quiet, is_near=near)
        await release(
            connection,
            watch,
            after_s=pause if after_s is None else after_s,
            seen=seen.digest,
            quiet=quiet,
            history=history_to(noted),
            conflicts=None if seen.forecast is None else seen.facts.conflicts,
            forecast=seen.forecast,
        )


async def _follow_state(connection: Connection, standing: Standing, seen: Seen) -> None:
    """Somebody ended the draft, or made one of it, on the forge."""
    workflow, state = standing.workflow, PrState(seen.pull.state)
    if seen.facts.is_busy or state not in OPEN_PR_STATES or state is workflow.pr_state:
        return
    event = NewEvent(
        type=EventType.PULL_REQUEST_UPDATED,
        message=f"pull request #{seen.pull.number} was made {state} on the forge",
        data={"number": seen.pull.number, "state": state.value},
    )
    await update_workflow(connection, workflow.adw_id, changes={"pr_state": state.value}, event=event)


async def _tell_clashes(connection: Connection, watch: Watch, seen: Seen) -> None:
    """Says what it would conflict with, when that has changed."""
    now = (seen.facts.conflicts, seen.forecast)
    if seen.forecast is None or now == (watch.conflicts, watch.forecast):
        return
    parts = [f"its base in {', '.join(seen.facts.conflicts[:5])}"] if seen.facts.conflicts else []
    parts += [f"{each['branch']} in {', '.join(each['files'][:5])}" for each in seen.forecast.values()]
    does = f"would conflict with {'; with '.join(parts)}" if parts else "would not conflict with anything any more"
    event = _told(
        f"pull request #{seen.pull.number} {does}",
        conflicts={"base": list(seen.facts.conflicts), "branches": seen.forecast},
    )
    await append_event(connection, watch.adw_id, event)


async def _question(
    connection: Connection, adw_id: str, history: History
) -> Literal["none", "pending", "allowed", "denied"]:
    if history.asked is None:
        return "none"
    asked = [each for each in await approvals.list_approvals(connection, adw_id=adw_id) if each.key == history.asked]
    if not asked or asked[-1].decision is Decision.PENDING:
        return "pending" if asked else "none"
    return "allowed" if asked[-1].decision is Decision.ALLOWED else "denied"


def _waits_to_merge(workflow: Workflow, rows: Sequence[PhaseRow]) -> bool:
    shipped = [row for row in rows if row.phase == Phase.SHIP and row.status is PhaseStatus.COMPLETED]
    data: Mapping[str, Any] = shipped[-1].data if shipped else {}
    return workflow.workflow_type in MERGING and bool(data.get("waitsForChecks"))


def _told(message: str, **data: Any) -> NewEvent:
    return NewEvent(type=EventType.WORKFLOW_UPDATED, message=message, data=data)
