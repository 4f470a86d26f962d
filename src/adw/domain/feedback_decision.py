"""From how a pull request stands to the one thing that is done next. Pure, and bounded whatever the facts are.

Everything that is open goes into one round. A cause that has had its rounds, a check that fails as it did before it
was mended, a thread somebody opened again: each makes us stop and ask one question.
"""

from __future__ import annotations

from collections.abc import Mapping

from adw.domain.feedback import (
    Action,
    Ask,
    BeginRound,
    Cause,
    Facts,
    FailedCheck,
    Fault,
    FeedbackRules,
    History,
    MergeNow,
    RecordClosed,
    RecordMerged,
    Remark,
    Rerun,
    Say,
    TakeAnswer,
    Wait,
)

PENDING_S = 30.0
FIRST_S = 30.0
LONGEST_S = 600.0
LONGEST_NEAR_S = 60.0
"""For a forge on this machine, where a look costs next to nothing."""
BUSY_S = 60.0

_NAMED = 5
_BY_CHANCE = frozenset({Fault.FLAKY, Fault.INFRASTRUCTURE})
_SENTENCES: Mapping[Fault, str] = {
    Fault.BILLING: "could not run because of the account's billing or quota; it can be run again once that is settled",
    Fault.INFRASTRUCTURE: "did not get to judge this change: its machine, network or somebody's consent was missing",
    Fault.PREEXISTING: "is red on the base branch as well, so it is left as it is",
    Fault.FLAKY: "failed and passed on the same commit, so it is flaky",
}


def decide(facts: Facts, history: History, rules: FeedbackRules) -> Action:
    """The one thing to do now."""
    if facts.state in {"merged", "closed"}:
        if facts.is_shipping:
            return Wait()
        return RecordMerged() if facts.state == "merged" else RecordClosed()
    if facts.question in {"allowed", "denied"}:
        return TakeAnswer(allowed=facts.question == "allowed")
    if facts.is_busy or facts.question == "pending":
        return Wait()
    begun = _round(facts, history, rules)
    if begun is not None:
        return _question(begun, history, rules) or begun
    return _about_checks(facts, history, rules) or (MergeNow() if _can_merge(facts) else Wait())


def pause_s(facts: Facts, *, quiet: int, is_near: bool) -> float:
    """How long until the next look, after so many looks in a row that found nothing new."""
    if facts.pending:
        return PENDING_S
    longest = LONGEST_NEAR_S if is_near else LONGEST_S
    first = BUSY_S if facts.is_busy else FIRST_S
    return min(longest, first * 2.0 ** min(quiet, 10))


def fault_of(check: FailedCheck, facts: Facts, history: History, rules: FeedbackRules) -> Fault:
    """What counts as its fault: what failed by chance twice on one commit, or cannot be tried again, is no chance."""
    if check.fault is not Fault.FLAKY or _can_rerun(check, facts, history, rules):
        return check.fault
    return Fault.REGRESSION


def _round(facts: Facts, history: History, rules: FeedbackRules) -> BeginRound | None:
    remarks = tuple(each for each in facts.remarks if each.key not in history.handled and _is_heard(each, rules))
    asked_for = tuple(each for each in remarks if each.kind in {"request", "comment"})
    if history.is_stopped:
        return BeginRound(causes=(Cause.REQUEST,), remarks=asked_for) if asked_for else None
    broken = _regressions(facts, history, rules)
    update = rules.base and facts.base_moved and (bool(facts.conflicts) or facts.must_be_up_to_date)
    found = {
        Cause.FOREIGN: rules.commits and facts.foreign is not None,
        Cause.BASE: update,
        Cause.CHECKS: bool(broken),
        Cause.REVIEW: len(remarks) > len(asked_for),
        Cause.REQUEST: bool(asked_for),
    }
    causes = tuple(cause for cause, is_there in found.items() if is_there)
    if not causes:
        return None
    return BeginRound(causes=causes, checks=broken, remarks=remarks, update_base=update)


def _is_heard(remark: Remark, rules: FeedbackRules) -> bool:
    return rules.reviews if remark.kind in {"thread", "review"} else rules.comments


def _regressions(facts: Facts, history: History, rules: FeedbackRules) -> tuple[FailedCheck, ...]:
    """What an agent is to mend, once nothing is running any more that might fail as well."""
    if not rules.checks or facts.pending:
        return ()
    wanted = [each for each in facts.failed if fault_of(each, facts, history, rules) is Fault.REGRESSION]
    return tuple(wanted)


def _question(begun: BeginRound, history: History, rules: FeedbackRules) -> Ask | None:
    """Why a person is asked first, if they are."""
    if history.is_stopped or history.is_granted:
        return None
    same = [check.name for check in begun.checks if history.failures.get(check.name) == check.signature]
    reopened = [remark for remark in begun.remarks if remark.is_reopened]
    used_up = [cause.value for cause in begun.causes if _is_used_up(cause, history, rules)]
    reasons: list[str] = []
    if same:
        reasons.append(f"{_listed(same)} fails exactly as before it was last mended")
    if reopened:
        places = [remark.path or remark.id for remark in reopened]
        reasons.append(f"a thread that was settled is open again ({_listed(places)})")
    if used_up and not same and not reopened:
        reasons.append(f"{history.total} rounds have not settled it (still open: {begun.sentence()})")
    if not reasons:
        return None
    return Ask(text=f"{'; '.join(reasons)}. Go on trying by itself?", causes=tuple(each.value for each in begun.causes))


def _is_used_up(cause: Cause, history: History, rules: FeedbackRules) -> bool:
    used = history.rounds.get(cause, 0)
    if cause is Cause.FOREIGN:
        return used >= rules.max_rounds
    return used >= rules.max_rounds_per_cause or history.total >= rules.max_rounds


def _about_checks(facts: Facts, history: History, rules: FeedbackRules) -> Action | None:
    if not rules.checks:
        return None
    for check in facts.failed:
        if check.fault in _BY_CHANCE and _can_rerun(check, facts, history, rules):
            return Rerun(check=check)
    told = [(check, fault_of(check, facts, history, rules)) for check in facts.failed]
    news = {_said_key(fault, check.name): _line(fault, check) for check, fault in told if fault in _SENTENCES}
    for name in facts.passed:
        if history.rerun.get(name) == facts.head:
            news[_said_key(Fault.FLAKY, name)] = f"- **{name}** {_SENTENCES[Fault.FLAKY]}."
    fresh = {key: line for key, line in news.items() if key not in history.handled}
    return Say(keys=tuple(fresh), text="\n".join(fresh.values())) if fresh else None


def _can_rerun(check: FailedCheck, facts: Facts, history: History, rules: FeedbackRules) -> bool:
    is_first = history.rerun.get(check.name) != facts.head
    return check.can_rerun and is_first and history.reruns < rules.max_reruns


def _can_merge(facts: Facts) -> bool:
    return facts.waits_to_merge and facts.may_merge and not facts.failed and not facts.pending and not facts.conflicts


def _said_key(fault: Fault, name: str) -> str:
    return f"said:{fault}:{name}"


def _line(fault: Fault, check: FailedCheck) -> str:
    name = f"[{check.name}]({check.url})" if check.url else check.name
    return f"- **{name}** {_SENTENCES[fault]}."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
