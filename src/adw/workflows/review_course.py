"""How a review goes from round to round, and the words it ends with. Pure: everything follows from the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adw.domain.review import (
    Review,
    ReviewVerdict,
    Severity,
    TrackedFinding,
    blockers,
    follow,
    judge_round,
)

_SHOWN = 5
_LINE = 200


@dataclass(slots=True, kw_only=True)
class Course:
    """A review as it stands after some rounds."""

    head: str
    """The commit that was reviewed last, or the one that came of mending it."""
    limit: int
    patience: int = 1
    """Rounds that mend nothing after which it is given up."""
    idle: int = 0
    """Rounds that mended nothing, up to the latest."""
    rounds: int = 0
    verdict: ReviewVerdict = ReviewVerdict.CONVERGING
    summary: str = ""
    findings: tuple[TrackedFinding, ...] = ()
    handed_over: frozenset[int] | None = None
    """The blockers last given to the patcher; None before the first time."""
    contradictions: int = 0
    _new: frozenset[int] = field(default=frozenset())
    _fixed: frozenset[int] = field(default=frozenset())

    @property
    def blockers(self) -> tuple[TrackedFinding, ...]:
        return blockers(self.findings)

    @property
    def is_last(self) -> bool:
        return self.rounds == self.limit

    def take(self, review: Review) -> None:
        """Adds the answer of one more round."""
        before = {each.id for each in self.blockers}
        self.rounds += 1
        self.findings = follow(self.findings, review, round_number=self.rounds)
        now = {each.id for each in self.blockers}
        self._new, self._fixed = frozenset(now - before), frozenset(before - now)
        self.summary = review.summary
        self.verdict = judge_round(review, before=self.handed_over, now=now, is_last=self.is_last)
        self.idle = self.idle + 1 if self.verdict is ReviewVerdict.STAGNANT else 0
        self.contradictions += self.verdict is ReviewVerdict.CONTRADICTORY

    def hand_over(self) -> tuple[TrackedFinding, ...]:
        """The open blockers, which somebody is about to put right."""
        self.handed_over = frozenset(each.id for each in self.blockers)
        return self.blockers

    def evidence(self) -> dict[str, Any]:
        """The round in numbers."""
        severities = Counter(each.finding.severity for each in self._open())
        return {
            "round": self.rounds,
            "verdict": self.verdict.value,
            "open": {severity.value: severities[severity] for severity in Severity},
            "blockers": {
                "open": [each.id for each in self.blockers],
                "new": sorted(self._new),
                "fixed": sorted(self._fixed),
            },
        }

    def data(self) -> dict[str, Any]:
        """The review as the phase records it."""
        return {
            "head": self.head,
            "rounds": self.rounds,
            "verdict": self.verdict.value,
            "findings": [each.as_dict() for each in self.findings],
            "summary": self.summary,
        }

    def _open(self) -> list[TrackedFinding]:
        return [each for each in self.findings if each.is_open]


def round_sentence(course: Course) -> str:
    """What a round found, in one line."""
    found = course.blockers
    if course.verdict is ReviewVerdict.APPROVED:
        others = sum(each.is_open for each in course.findings)
        return f"no blocker is open after {_rounds(course)}" + (f", lesser findings: {others}" if others else "")
    if not found:
        return "the reviewer rejected the work without naming a blocker"
    return f"{_count(len(found))} open after {_rounds(course)} ({course.verdict}): {listed(found)}"


def why_over(course: Course, *, may_repair: bool) -> str | None:
    """Why a review that did not approve ends here; None when it goes on."""
    ending: str | None = None
    match course.verdict:
        case ReviewVerdict.CONTRADICTORY if course.contradictions > 1:
            ending = ", and did so again when asked anew"
        case ReviewVerdict.CONTRADICTORY if course.is_last:
            ending = ""
        case ReviewVerdict.STAGNANT if course.idle >= course.patience or course.is_last:
            ending = "; none was mended"
        case ReviewVerdict.DIVERGING:
            ending = "; mending brings up as many as it removes, or more"
        case ReviewVerdict.CONVERGING if course.is_last:
            ending = "; there are no rounds left"
        case ReviewVerdict.CONVERGING | ReviewVerdict.STAGNANT if not may_repair:
            ending = "; repairing is switched off"
        case _:
            pass
    return None if ending is None else f"{round_sentence(course)}{ending}"


def listed(findings: Sequence[TrackedFinding]) -> str:
    """The first of them in one line."""
    shown = "; ".join(f"{each.id}: {_short(each.finding.description)}" for each in findings[:_SHOWN])
    return shown + (f"; and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"


def _rounds(course: Course) -> str:
    return f"{course.rounds} round{'' if course.rounds == 1 else 's'} of review"


def _count(number: int) -> str:
    return f"{number} blocker{' is' if number == 1 else 's are'}"
