"""How a pull request stands, read from its forge with few requests; what it was that woke us does not matter.

Whoever may not steer the work is not heard: what they said is named with the reason, and never reaches an agent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from adw.domain.account import Account
from adw.domain.feedback import Facts, FailedCheck, FeedbackRules, History
from adw.domain.feedback_checks import judge_check
from adw.domain.forge import PullRequest
from adw.domain.forge_checks import BranchRules, Check, CheckState
from adw.domain.kinds import phase_words
from adw.domain.project import ForgeKind, Project
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.kit.errors import NotFoundError
from adw.ports.forge import Forge
from adw.ports.projects import ProjectAccess
from adw.store.watches import OpenBranch, Request, Watch
from adw.workflows.feedback_merge import merge_terms
from adw.workflows.feedback_remarks import Hearing, Unheard

_MOST_REMEMBERED = 2_000
_SHIPPING = phase_words("ship").running
_BEFORE = timedelta(hours=1)
"""Clocks differ; nothing that was said so long before the pull request was watched counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What our own rows say of a pull request."""

    workflow: Workflow
    project: Project
    watch: Watch
    history: History
    requests: Sequence[Request]
    question: Literal["none", "pending", "allowed", "denied"]
    since: datetime
    waits_to_merge: bool
    required_checks: tuple[str, ...]
    bots: tuple[str, ...]
    rules: FeedbackRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look: the facts, and what is needed to act on them."""

    facts: Facts
    pull: PullRequest
    base_head: str | None = None
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])
    """Red ones, by name."""
    unheard: tuple[Unheard, ...] = ()
    forecast: Mapping[str, Any] | None = None
    """Other open branches it would conflict with, where somebody looked; see `Eyes.forecast`."""
    unconfirmed: str | None = None
    """A commit of others that was not seen at the look before: forges may show old news."""

    @property
    def digest(self) -> str:
        """The same for two looks that found the same."""
        facts = (self.facts, self.base_head, self.pull.state, [each.key for each in self.unheard])
        return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Eyes:
    """Looks at pull requests, and remembers what never changes: what a finished check said, and who we are."""

    def __init__(self, access: ProjectAccess) -> None:
        self._access = access
        self._judged: dict[tuple[str, str, bool], FailedCheck] = {}
        self._ourselves: dict[str, Account] = {}
        self._conflicts: dict[tuple[str, str], tuple[str, ...]] = {}

    async def look(self, standing: Standing) -> Seen:
        """Raises what a forge raises."""
        workflow, forge = standing.workflow, self._access.forge(standing.project)
        if workflow.pr_number is None:
            raise NotFoundError(f"workflow {workflow.adw_id} has no pull request")
        pull = await forge.get_pull_request(workflow.pr_number)
        is_busy = workflow.status is not Status.COMPLETED
        plain = Facts(
            state=pull.state,
            head=pull.head_sha,
            is_busy=is_busy,
            is_shipping=workflow.status is Status.ACTIVE and workflow.phase == _SHIPPING,
            question=standing.question,
        )
        if is_busy or not pull.is_open or standing.question != "none":
            return Seen(facts=plain, pull=pull)
        return await self._closely(standing, forge, pull, plain)

    async def forecast(self, standing: Standing, branches: Sequence[OpenBranch]) -> dict[str, dict[str, Any]]:
        """Other open branches this one would conflict with, whichever is merged first: `{branch, files}` of each."""
        head = standing.workflow.head_sha
        found: dict[str, dict[str, Any]] = {}
        for each in branches if head is not None else ():
            with suppress(NotFoundError):
                if files := await self._conflicts_with(standing, str(head), each.head_sha):
                    found[each.adw_id] = {"branch": each.branch, "files": list(files)}
        return found

    async def _closely(self, standing: Standing, forge: Forge, pull: PullRequest, plain: Facts) -> Seen:
        workflow = standing.workflow
        base_head = await forge.branch_head(workflow.base_branch)
        moved = base_head is not None and base_head != workflow.base_sha
        checks = await forge.list_checks(pull.head_sha)
        red = {check.name: check for check in checks if check.state is CheckState.FAILED}
        branch_rules = await forge.branch_rules(workflow.base_branch) if moved else BranchRules()
        hearing = await self._hear(standing, forge, pull.number)
        foreign = await self._foreign(standing, pull)
        facts = Facts(
            state=plain.state,
            head=plain.head,
            foreign=foreign if foreign == standing.history.foreign else None,
            base_moved=moved,
            conflicts=await self._conflicts_with(standing, pull.head_sha, base_head) if moved else (),
            must_be_up_to_date=branch_rules.must_be_up_to_date or pull.is_behind,
            failed=tuple(await self._judge(forge, list(red.values()), base_head)),
            pending=tuple(sorted(check.name for check in checks if check.state is CheckState.PENDING)),
            passed=tuple(sorted(check.name for check in checks if check.state is CheckState.PASSED)),
            remarks=tuple(hearing.remarks),
            waits_to_merge=standing.waits_to_merge,
            may_merge=standing.waits_to_merge and await _may_merge(standing, forge, pull),
        )
        return Seen(
            facts=facts,
            pull=pull,
            base_head=base_head,
            checks=red,
            unheard=tuple(hearing.unheard),
            unconfirmed=foreign if foreign != standing.history.foreign else None,
        )

    async def _hear(self, standing: Standing, forge: Forge, number: int) -> Hearing:
        """Threads, reviews and requests that nobody has answered, and comments where nothing else listens to them."""
        project = standing.project
        if project.id not in self._ourselves:
            self._ourselves[project.id] = await forge.ourselves()
        hearing = Hearing(
            forge=forge,
            ourselves=self._ourselves[project.id],
            bots=standing.bots,
            handled=standing.history.handled,
            since=standing.since - _BEFORE,
        )
        hearing.take_requests(standing.requests)
        if standing.rules.reviews:
            await hearing.take_threads(await forge.list_threads(number), reopened=standing.watch.resolved)
            await hearing.take_reviews(await forge.list_reviews(number))
        if standing.rules.comments and project.forge is ForgeKind.LOCAL:
            await hearing.take_comments(await forge.list_comments(number))
        return hearing

    async def _foreign(self, standing: Standing, pull: PullRequest) -> str | None:
        """The newest commit of others: on the forge, or, where we can see it, only in a person's own repository."""
        workflow, ours = standing.workflow, standing.workflow.head_sha
        if ours is None or workflow.branch_name is None:
            return None
        if pull.head_sha != ours:
            return pull.head_sha
        if standing.project.forge is not ForgeKind.LOCAL:
            return None
        tips = await self._access.foreign_tips(standing.project, branch=workflow.branch_name, ours=ours)
        return tips[0].sha if tips else None

    async def _conflicts_with(self, standing: Standing, head: str, base_head: str | None) -> tuple[str, ...]:
        if base_head is None:
            return ()
        pair = (head, base_head)
        if pair not in self._conflicts:
            found = await self._access.conflicts(standing.project, head=head, base=base_head)
            _remember(self._conflicts, pair, found)
        return self._conflicts[pair]

    async def _judge(self, forge: Forge, red: Sequence[Check], base_head: str | None) -> list[FailedCheck]:
        if not red:
            return []
        on_base = await forge.list_checks(base_head) if base_head is not None else []
        red_on_base = {check.name for check in on_base if check.state is CheckState.FAILED}
        return [await self._judged_once(forge, check, red_on_base=check.name in red_on_base) for check in red]

    async def _judged_once(self, forge: Forge, check: Check, *, red_on_base: bool) -> FailedCheck:
        ended = check.completed_at.isoformat() if check.completed_at else ""
        key = (f"{check.id} {check.sha}", ended, red_on_base)
        if key not in self._judged:
            log = await forge.check_log(check)
            _remember(self._judged, key, judge_check(check, log, red_on_base=red_on_base))
        return self._judged[key]


async def _may_merge(standing: Standing, forge: Forge, pull: PullRequest) -> bool:
    workflow = standing.workflow
    if pull.state != "ready" or pull.head_sha != workflow.head_sha:
        return False
    terms = await merge_terms(
        forge,
        number=pull.number,
        head=pull.head_sha,
        base=workflow.base_branch,
        base_sha=workflow.base_sha,
        required=standing.required_checks,
    )
    return terms.waits_for is None


def _remember(known: dict[Any, Any], key: object, value: object) -> None:
    """Forgets what was kept longest when it gets too much."""
    if len(known) >= _MOST_REMEMBERED:
        known.pop(next(iter(known)))
    known[key] = value
