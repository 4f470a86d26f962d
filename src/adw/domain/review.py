"""What a reviewer finds, what becomes of it from round to round, and whether another round makes sense.

A reviewer begins each round anew and numbers as it likes, so identity is ours: a finding is recognised by what it
says and where, helped by the number it cites. Nothing here reads meaning into prose: blockers are counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from adw.domain.likeness import Telling, likeness, mean_the_same, repeat_one_another
from adw.domain.stuck import made_progress

IDS_PER_ROUND = 100
"""Ids of findings first seen in round 2 begin at 201: no reviewer that counts 1, 2, 3 cites one by accident."""


class Severity(StrEnum):
    """How much a finding matters; only a blocker keeps work from going on."""

    SKIPPABLE = "skippable"
    TECH_DEBT = "tech_debt"
    BLOCKER = "blocker"


class FindingStatus(StrEnum):
    """How a finding stands. Only a blocker that a later round no longer sees is called fixed: nobody mends the rest."""

    OPEN = "open"
    FIXED = "fixed"


class ReviewVerdict(StrEnum):
    """What a round of review says about the rounds to come; only `converging` is worth another one."""

    APPROVED = "approved"
    CONVERGING = "converging"
    STAGNANT = "stagnant"
    DIVERGING = "diverging"
    CONTRADICTORY = "contradictory"
    """The work was rejected without naming what blocks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One entry of one review. `number` is the reviewer's own."""

    number: int
    description: str
    severity: Severity
    resolution: str = ""
    screenshot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One answer of a reviewer; no two findings repeat one another."""

    success: bool
    summary: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableReview:
    """An answer that is no review; never taken for a good one."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFinding:
    """A finding over the rounds, in its latest wording. Rounds count from 1."""

    id: int
    finding: Finding
    status: FindingStatus
    first_round: int
    last_round: int
    """The last round that saw it."""

    @property
    def is_open(self) -> bool:
        return self.status is FindingStatus.OPEN

    @property
    def blocks(self) -> bool:
        return self.is_open and self.finding.severity is Severity.BLOCKER

    def as_dict(self) -> dict[str, Any]:
        """As it is published."""
        return {
            "id": self.id,
            "severity": self.finding.severity.value,
            "status": self.status.value,
            "description": self.finding.description,
            "resolution": self.finding.resolution,
            "firstRound": self.first_round,
            "lastRound": self.last_round,
            "screenshot": self.finding.screenshot,
        }


def parse_review(value: Mapping[str, Any]) -> Review | UnreadableReview:
    """Reads a `ReviewResult`; findings that repeat one another become one, as severe as the worst of them."""
    try:
        answer = _Answer.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return UnreadableReview(f"{where}: {first['msg']}" if where else first["msg"])
    findings = [
        Finding(
            number=each.review_issue_number,
            description=each.issue_description,
            severity=each.issue_severity,
            resolution=each.issue_resolution,
            screenshot=each.screenshot_path or None,
        )
        for each in answer.review_issues
    ]
    return Review(success=answer.success, summary=answer.review_summary, findings=_without_repetitions(findings))


def follow(known: Sequence[TrackedFinding], review: Review, *, round_number: int) -> tuple[TrackedFinding, ...]:
    """All findings after one more round: those seen again, those that are gone, those that are new."""
    recognised = _recognise(known, review.findings)
    again = {id(found): review.findings[index] for index, found in recognised.items()}
    kept = [_seen_again(each, again[id(each)], round_number) if id(each) in again else _missed(each) for each in known]
    fresh = [finding for index, finding in enumerate(review.findings) if index not in recognised]
    new = [
        TrackedFinding(
            id=round_number * IDS_PER_ROUND + count,
            finding=finding,
            status=FindingStatus.OPEN,
            first_round=round_number,
            last_round=round_number,
        )
        for count, finding in enumerate(fresh, start=1)
    ]
    return (*kept, *new)


def blockers(findings: Sequence[TrackedFinding]) -> tuple[TrackedFinding, ...]:
    """Those that keep the work from going on."""
    return tuple(each for each in findings if each.blocks)


def judge_round(
    review: Review, *, before: Collection[int] | None, now: Collection[int], is_last: bool
) -> ReviewVerdict:
    """Whether the review is over, and how. `before` are the ids of the blockers that were last handed to be mended,
    None while nothing was; `now` those open after this round.

    As many new blockers as were mended is a draw, which may go on until the last round and then counts as diverging.
    """
    if not now:
        return ReviewVerdict.APPROVED if review.success else ReviewVerdict.CONTRADICTORY
    if before is None:
        return ReviewVerdict.CONVERGING
    new, mended = set(now) - set(before), set(before) - set(now)
    if len(now) > len(before):
        return ReviewVerdict.DIVERGING
    if not made_progress(previous=before, now=now):
        return ReviewVerdict.STAGNANT
    return ReviewVerdict.DIVERGING if is_last and len(new) == len(mended) else ReviewVerdict.CONVERGING


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    review_issue_number: int = 0
    issue_description: str = Field(min_length=1)
    issue_resolution: str = ""
    issue_severity: Severity
    screenshot_path: str | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    success: StrictBool
    review_summary: str = ""
    review_issues: tuple[_Entry, ...]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def _without_repetitions(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    kept: list[tuple[Telling, Finding]] = []
    for finding in findings:
        telling = Telling.of(finding.description)
        for place, (other, first) in enumerate(kept):
            if repeat_one_another(other, telling):
                kept[place] = (other, _merged(first, finding))
                break
        else:
            kept.append((telling, finding))
    return tuple(finding for _, finding in kept)


def _merged(first: Finding, second: Finding) -> Finding:
    return replace(
        first,
        severity=max(first.severity, second.severity, key=_RANK.__getitem__),
        resolution=first.resolution or second.resolution,
        screenshot=first.screenshot or second.screenshot,
    )


def _recognise(known: Sequence[TrackedFinding], found: Sequence[Finding]) -> dict[int, TrackedFinding]:
    """Which known finding each entry is, by the entry's place in the list; the surest pairs are made first."""
    tellings = [Telling.of(finding.description) for finding in found]
    pairs: list[tuple[bool, float, bool, int, int]] = []
    for place, old in enumerate(known):
        was = Telling.of(old.finding.description)
        for index, telling in enumerate(tellings):
            cited = found[index].number == old.id
            if mean_the_same(was, telling, cited=cited):
                gone = old.status is FindingStatus.FIXED
                pairs.append((not cited, -likeness(was, telling), gone, place, index))
    recognised: dict[int, TrackedFinding] = {}
    taken: set[int] = set()
    for *_, place, index in sorted(pairs):
        if place not in taken and index not in recognised:
            taken.add(place)
            recognised[index] = known[place]
    return recognised


def _seen_again(old: TrackedFinding, finding: Finding, round_number: int) -> TrackedFinding:
    kept = replace(finding, screenshot=finding.screenshot or old.finding.screenshot)
    return replace(old, finding=kept, status=FindingStatus.OPEN, last_round=round_number)


def _missed(old: TrackedFinding) -> TrackedFinding:
    return replace(old, status=FindingStatus.FIXED) if old.blocks else old
