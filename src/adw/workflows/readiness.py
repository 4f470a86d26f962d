"""Whether a pull request may be called ready, and whether it may be merged by us. Pure rules on recorded evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from adw.domain.kinds import MERGING, Phase
from adw.domain.phase import Evidence, EvidenceRow, GateOutcome

TESTS = "tests"
REVIEW = "review"

_PROOFS: Mapping[str, str] = {Phase.TEST: TESTS, Phase.SHIP: TESTS, Phase.REVIEW: REVIEW}
"""The gate by which each verifying phase proves what it says. Shipping proves the tests again if need be."""


def latest_by_gate(evidence: Sequence[EvidenceRow]) -> dict[str, Evidence]:
    """The last result of each gate that still counts; `evidence` is in the order it was found."""
    return {row.evidence.gate: row.evidence for row in evidence if not row.superseded}


def judge_readiness(
    phases: Sequence[str], evidence: Sequence[EvidenceRow], *, head: str, reviewed_as_head: Collection[str] = ()
) -> tuple[bool, str]:
    """Whether the draft may end, and the sentence that says why or why not.

    Ready means: the kind verifies, the latest result of every gate is green, and what proves a verifying phase was
    found on the very head commit. A review also counts on the commits `reviewed_as_head`, to which the head adds
    nothing that was to be reviewed.
    """
    verifying = [phase for phase in phases if phase in _PROOFS]
    if not verifying:
        return False, "This kind of workflow verifies nothing: tests and review never ran, so it stays a draft."
    latest = latest_by_gate(evidence)
    failed = sorted(gate for gate, found in latest.items() if found.outcome is GateOutcome.FAILED)
    if failed:
        return False, f"Not green: {', '.join(failed)}."
    proofs = dict.fromkeys(_PROOFS[phase] for phase in verifying)
    counting = {TESTS: {head}, REVIEW: {head, *reviewed_as_head}}
    unproven = [gate for gate in proofs if gate not in latest or latest[gate].commit not in counting[gate]]
    if unproven:
        return False, f"No result on the head commit: {', '.join(unproven)}."
    silent = sorted(gate for gate, found in latest.items() if found.outcome is GateOutcome.NOT_APPLICABLE)
    note = f" Not applicable: {', '.join(silent)}." if silent else ""
    return True, f"Every gate is green, {' and '.join(proofs)} on the head commit `{head[:12]}`.{note}"


def why_not_merge(kind: str, evidence: Sequence[EvidenceRow], *, allowed: bool, unverified_allowed: bool) -> str | None:
    """Why a ready pull request of a merging kind is left to a person; None when it is to be merged.

    `allowed` is the project's consent to merges without a person, `unverified_allowed` its consent to merges of what
    no test could prove.
    """
    if kind not in MERGING:
        return f"{kind} leaves the merge to a person"
    if not allowed:
        return "the project does not allow it: `[triggers] zte = true` in adw.toml on the base branch would"
    tests = latest_by_gate(evidence).get(TESTS)
    if tests is None or tests.outcome is not GateOutcome.PASSED:
        if unverified_allowed:
            return None
        return "no test proves the change: `[gates] allow_unverified_merge = true` in adw.toml would do without"
    gone = [*tests.data.get("vanished", ()), *tests.data.get("silenced", ())]
    return f"tests of the base do not run any more: {', '.join(map(str, gone[:5]))}" if gone else None
