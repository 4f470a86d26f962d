"""What is said and what happens about an open pull request, and what follows from it. Values only.

Facts are read from the forge, whatever woke us; the history says what was done about them before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from adw.domain.forge import PullRequestState


class Cause(StrEnum):
    """Why a round begins. Each is counted."""

    FOREIGN = "foreign"
    """Commits of others are on the branch."""
    BASE = "base"
    """The base moved, and the branch no longer fits or must be up to date."""
    CHECKS = "checks"
    REVIEW = "review"
    REQUEST = "request"


class Fault(StrEnum):
    """Why a check failed, as far as its own words tell. Only the last is worth an agent."""

    BILLING = "billing"
    INFRASTRUCTURE = "infrastructure"
    PREEXISTING = "preexisting"
    FLAKY = "flaky"
    REGRESSION = "regression"


RemarkKind = Literal["thread", "review", "request", "comment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRules:
    """`[feedback]` of a project: what is acted upon, and how often at most."""

    checks: bool = True
    reviews: bool = True
    comments: bool = True
    base: bool = True
    commits: bool = True
    max_rounds: int = 8
    max_rounds_per_cause: int = 4
    max_reruns: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A red check with what can be told from its output. `excerpt` is the end of it, `signature` the same for the
    same failure.
    """

    id: str
    name: str
    fault: Fault
    signature: str
    excerpt: str = ""
    can_rerun: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something somebody who may be heard has said and nobody has answered. `key` names exactly this state of it."""

    key: str
    kind: RemarkKind
    id: str
    author: str
    text: str
    path: str | None = None
    line: int | None = None
    is_reopened: bool = False
    """A thread that we had settled, and somebody opened again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How a pull request stands."""

    state: PullRequestState
    head: str
    is_busy: bool = False
    """Its workflow is not at rest, so nothing is begun."""
    is_shipping: bool = False
    """Its workflow is about to merge it by itself."""
    question: Literal["none", "pending", "allowed", "denied"] = "none"
    """How the question that was asked last stands, while its answer has not been taken note of."""
    foreign: str | None = None
    """The newest commit of others on the branch."""
    base_moved: bool = False
    conflicts: tuple[str, ...] = ()
    must_be_up_to_date: bool = False
    failed: tuple[FailedCheck, ...] = ()
    pending: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    waits_to_merge: bool = False
    """Its workflow left the merge undone only because checks had not ended."""
    may_merge: bool = False
    """Whatever the forge demands before a merge is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was done about a pull request before."""

    rounds: Mapping[str, int] = field(default_factory=dict[str, int])
    """By cause, since a person last allowed more."""
    total: int = 0
    number: int = 0
    """Rounds in all, ever: the number of the last one."""
    reruns: int = 0
    rerun: Mapping[str, str] = field(default_factory=dict[str, str])
    """Checks that were run again, and on which commit."""
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    """Checks that an agent was asked to mend, with the signature of what it was shown."""
    handled: frozenset[str] = frozenset()
    """Keys of what was answered, said or left aside."""
    questions: int = 0
    asked: str | None = None
    """Key of the question whose answer is awaited."""
    is_stopped: bool = False
    """A person said no to more rounds; only what people ask for is still done."""
    is_granted: bool = False
    """A person said yes to another try, which has not begun yet."""
    foreign: str | None = None
    """A commit of others seen at the last look."""
    base_head: str | None = None
    """Where the base was at the last look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """There is nothing to do now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRound:
    """Everything that is to be dealt with goes into one round."""

    causes: tuple[Cause, ...]
    checks: tuple[FailedCheck, ...] = ()
    remarks: tuple[Remark, ...] = ()
    update_base: bool = False

    def sentence(self) -> str:
        """What the round is about, for an event."""
        said = [remark for remark in self.remarks if remark.kind in {"thread", "review"}]
        parts = [
            _counted(len(self.checks), "failing check"),
            _counted(len(said), "remark of a review", "remarks of reviews"),
            _counted(len(self.remarks) - len(said), "request"),
            "the moved base" if self.update_base else "",
            "commits of others" if Cause.FOREIGN in self.causes else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A check is run again, for it may have failed by chance."""

    check: FailedCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Something people should know is said once, in one comment. `keys` name what is said."""

    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to a person; nothing more is done before it is answered."""

    text: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAnswer:
    """The last question is answered."""

    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeNow:
    """What the merge was waiting for is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMerged:
    """It was merged on the forge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordClosed:
    """It was closed on the forge."""


Action = Wait | BeginRound | Rerun | Say | Ask | TakeAnswer | MergeNow | RecordMerged | RecordClosed


def after_round(history: History, begun: BeginRound) -> History:
    counted = {cause.value: history.rounds.get(cause, 0) + 1 for cause in begun.causes}
    return replace(
        history,
        rounds={**history.rounds, **counted},
        total=history.total + (begun.causes != (Cause.FOREIGN,)),
        number=history.number + 1,
        failures={**history.failures, **{check.name: check.signature for check in begun.checks}},
        handled=history.handled | {remark.key for remark in begun.remarks},
        is_granted=False,
        foreign=None,
    )


def after_rerun(history: History, check: FailedCheck, *, head: str) -> History:
    return replace(history, reruns=history.reruns + 1, rerun={**history.rerun, check.name: head})


def after_saying(history: History, said: Say) -> History:
    return replace(history, handled=history.handled | set(said.keys))


def after_asking(history: History) -> History:
    number = history.questions + 1
    return replace(history, questions=number, asked=question_key(number))


def after_answer(history: History, *, allowed: bool) -> History:
    """Allowed, everything may be tried as often again; else nothing more is begun by itself."""
    if not allowed:
        return replace(history, asked=None, is_stopped=True)
    fresh = replace(history, asked=None, is_stopped=False, is_granted=True, rounds={}, total=0)
    return replace(fresh, failures={}, reruns=0)


def question_key(number: int) -> str:
    return f"feedback:{number}"


def round_to(begun: BeginRound, *, base: str | None) -> dict[str, Any]:
    """What an order of a round holds, as JSON: everything as it was when the round was decided upon."""
    said = ("key", "kind", "id", "author", "text", "path", "line")
    return {
        "causes": [cause.value for cause in begun.causes],
        "remarks": [{name: getattr(each, name) for name in said} for each in begun.remarks],
        "checks": [{"name": each.name, "excerpt": each.excerpt} for each in begun.checks],
        "base": base,
    }


def history_to(history: History) -> dict[str, Any]:
    """As JSON."""
    return {**asdict(history), "handled": sorted(history.handled)}


def history_from(data: Mapping[str, Any]) -> History:
    """From JSON; what is missing has its default, what is unknown is left out."""
    known = {name: data[name] for name in History.__dataclass_fields__ if name in data}
    if "handled" in known:
        known["handled"] = frozenset(known["handled"])
    return History(**known)


def _counted(number: int, one: str, many: str = "") -> str:
    if not number:
        return ""
    return f"{number} {one if number == 1 else many or one + 's'}"
