"""What a check wrote. Logs of GitHub Actions lie on another host, which must not see our credential."""

from __future__ import annotations

import re

from adw.domain.forge_checks import Check
from adw.forge.github.client.call import Call
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.repository import RepositoryApi, items_of, read
from adw.forge.github.slices.checks import AnnotationSlice, CheckRunSlice
from adw.kit.errors import ForgeDeniedError, NotFoundError

_NOTHING = frozenset({FailureKind.NOT_FOUND, FailureKind.GONE, FailureKind.DENIED})
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BYTES_PER_CHAR = 4


async def read_log(api: RepositoryApi, check: Check, *, most_chars: int) -> str:
    """The end of the log, else what the check tells of itself; without times and colours."""
    kind, _, number = check.id.partition(":")
    if kind == "status" or not number.isdigit():
        return check.summary[-most_chars:]
    log = await _job_log(api, number, most_bytes=most_chars * _BYTES_PER_CHAR) if kind == "job" else ""
    if not log.strip():
        log = await _own_words(api, number)
    return log[-most_chars:]


async def _job_log(api: RepositoryApi, job: str, *, most_bytes: int) -> str:
    call = Call(
        method="GET",
        path=f"/repos/{api.full_name}/actions/jobs/{job}/logs",
        what=f"read the log of job {job}",
        repository=api.full_name,
        accept=_NOTHING,
    )
    answer = await api.api.tail(call, most_bytes=most_bytes)
    return "" if answer.failure is not None else _COLOUR.sub("", _STAMP.sub("", answer.text))


async def _own_words(api: RepositoryApi, number: str) -> str:
    try:
        run = await api.get(CheckRunSlice, f"/check-runs/{number}", what=f"read check {number}")
    except (NotFoundError, ForgeDeniedError):
        return ""
    said = [run.output.title, run.output.summary, run.output.text]
    if run.output.annotations_count:
        said += await _annotations(api, number)
    return "\n".join(filter(None, said))


async def _annotations(api: RepositoryApi, number: str) -> list[str]:
    path, what = f"/check-runs/{number}/annotations", f"read the annotations of check {number}"
    answer = await api.send("GET", path, what=what, query={"per_page": "50"}, accept=_NOTHING)
    if answer.failure is not None:
        return []
    found = [read(AnnotationSlice, item) for item in items_of(answer)]
    return [f"{each.path}:{each.start_line}: {each.annotation_level}: {each.message}" for each in found]
