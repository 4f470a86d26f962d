"""What was checked, on which commit, with which result, and the report it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import orjson
from pydantic import Field, ValidationError

from adw.api.wire import Wire
from adw.domain.phase import EvidenceRow
from adw.domain.testing import TestReport, TestResult, decode_run
from adw.store.db import Connection
from adw.store.phases import list_evidence
from adw.store.results import ArtifactInfo, list_artifacts, read_artifacts

MOST_FAILURES = 50
MOST_ERROR_CHARS = 2_000
MOST_ERROR_LINES = 20
MOST_REPORT_BYTES = 16_000_000

FailureKind = Literal["regression", "flaky", "preexisting", "failed"]
_KINDS: Mapping[str, FailureKind] = {"regressions": "regression", "flaky": "flaky", "preexisting": "preexisting"}


class FailingTest(Wire):
    """A test that failed, with the beginning of what it said."""

    test_id: str
    kind: FailureKind = Field(description="`regression` is what the change broke; `failed` is not judged")
    error: str | None
    command: str | None = Field(description="Runs it again alone")


class EvidenceView(Wire):
    """A gate's result for one exact commit."""

    gate: str
    phase: str
    attempt: int
    outcome: str
    commit: str
    summary: str
    data: Mapping[str, Any]
    superseded: bool
    artifact: str | None = Field(description="The name of the report it rests on, if one was kept")
    failures: tuple[FailingTest, ...] = Field(description=f"Tests that failed, {MOST_FAILURES} at most")
    failure_count: int
    created_at: datetime


class EvidenceList(Wire):
    """Evidence, oldest first; what was superseded is still here."""

    evidence: tuple[EvidenceView, ...]


async def evidence_of(connection: Connection, adw_id: str) -> EvidenceList:
    """All evidence of a workflow with its reports."""
    rows = await list_evidence(connection, adw_id)
    kept = await list_artifacts(connection, adw_id)
    named = [(row, report_of(row, kept)) for row in rows]
    wanted = {name for row, name in named if name is not None and _tells_of_failures(row)}
    reports = await read_artifacts(connection, adw_id=adw_id, names=wanted, most_bytes=MOST_REPORT_BYTES)
    return EvidenceList(evidence=tuple(_view(row, name, reports.get(name or "")) for row, name in named))


def report_of(row: EvidenceRow, kept: Sequence[ArtifactInfo]) -> str | None:
    """The artifact a gate's result rests on.

    Evidence may name it; else it is the last one of this gate, phase and attempt that was there when the gate decided.
    """
    told = row.evidence.data.get("report")
    if isinstance(told, str) and any(each.name == told for each in kept):
        return told
    gate = "" if row.evidence.gate == row.phase else f"{row.evidence.gate}-"
    beginnings = (f"{row.evidence.gate}-{row.phase}-{row.attempt}-", f"{gate}{row.phase}-{row.attempt}-")
    found = [each for each in kept if each.name.startswith(beginnings) and each.created_at <= row.created_at]
    return max(found, key=lambda each: each.created_at).name if found else None


def _view(row: EvidenceRow, artifact: str | None, report: bytes | None) -> EvidenceView:
    found = row.evidence
    failures = list(_failures(found.data, report))
    return EvidenceView(
        gate=found.gate,
        phase=row.phase,
        attempt=row.attempt,
        outcome=found.outcome,
        commit=found.commit,
        summary=found.summary,
        data=found.data,
        superseded=row.superseded,
        artifact=artifact,
        failures=tuple(failures[:MOST_FAILURES]),
        failure_count=len(failures),
        created_at=row.created_at,
    )


def _tells_of_failures(row: EvidenceRow) -> bool:
    data = row.evidence.data
    return any(_ids(data, key) for key in _KINDS) or bool(_mapping(data.get("counts")).get("failed"))


def _failures(data: Mapping[str, Any], report: bytes | None) -> Iterator[FailingTest]:
    """Those the gate named, regressions first, then what else failed in the report."""
    results = _failed_results(report)
    for key, kind in _KINDS.items():
        for test_id in _ids(data, key):
            result = results.pop(test_id, None)
            error, command = (None, None) if result is None else (_beginning(result.error), result.execution_command)
            yield FailingTest(test_id=test_id, kind=kind, error=error, command=command or None)
    for result in results.values():
        yield FailingTest(
            test_id=result.test_id,
            kind="failed",
            error=_beginning(result.error),
            command=result.execution_command or None,
        )


def _failed_results(report: bytes | None) -> dict[str, TestResult]:
    """By id; nothing when there is no report or it is not one of tests."""
    if report is None:
        return {}
    try:
        run = decode_run(orjson.loads(report))
    except (ValidationError, orjson.JSONDecodeError):
        return {}
    return {result.test_id: result for result in run.failures} if isinstance(run, TestReport) else {}


def _beginning(error: str | None) -> str | None:
    if not error:
        return None
    lines = error.strip("\n").splitlines()
    cut = "\n".join(lines[:MOST_ERROR_LINES])[:MOST_ERROR_CHARS]
    return cut if len(cut) == len("\n".join(lines)) else f"{cut}…"


def _ids(data: Mapping[str, Any], key: str) -> list[str]:
    value = data.get(key)
    return [str(each) for each in cast("list[Any]", value)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
