"""Reads what `cargo test` prints: stable Rust has no report for machines.

Strictly: every test binary announces how many tests it runs and sums them up at its end, and both must agree with the
tests listed between. What does not add up, because a test ended the process or wrote into the list, is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from adw.domain.testing import EXIT_STATUS_ID, TestResult, TestStatus, Unreadable, purpose_of
from adw.workspace.commands.identity import clip, join_id, without_colours

DOC_TESTS = "doc-tests"
NOT_COMPILED = "error: could not compile "

_MEASURED = "measured"
_BINARY = re.compile(r" +Running (?:unittests )?(?P<source>[^(]*?)\s*(?:\((?P<file>.+)\))?$")
_DOCS = re.compile(r" +Doc-tests (?P<crate>\S+)$")
_START = re.compile(r"running (\d+) tests?$")
_NAME = r"(?P<name>\S+(?: - .*?\(line \d+\))?)(?: - should panic| - compile fail| - compile)?"
# Anything may stand before it: a test that writes past the harness leaves its line unfinished.
_LISTED = re.compile(rf".*?test {_NAME} \.\.\. (?P<end>ok|FAILED|ignored(?:, .*)?|bench: .*)$")
_BEGUN = re.compile(rf".*?test {_NAME} \.\.\. ")
_ENDED = re.compile(r"(?P<end>ok|FAILED)$")
_SUMMARY = re.compile(
    r"test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored; "
    r"(?P<measured>\d+) measured; \d+ filtered out"
)
_DETAIL = re.compile(r"---- (.+) stdout ----$")
_DOC_NAME = re.compile(r"(?P<item>.+?) ?\(line (?P<line>\d+)\)$")
_ERROR = re.compile(r"error(\[\w+\])?: ")
_CAUSE = "Caused by:"


@dataclass(slots=True)
class _Block:
    """One announced run of tests inside a binary."""

    promised: int
    ends: dict[str, str] = field(default_factory=dict[str, str])
    errors: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    begun: str = ""
    listing: bool = True
    closed: bool = False
    detail: list[str] | None = None


@dataclass(slots=True)
class _Binary:
    place: str
    blocks: list[_Block] = field(default_factory=list[_Block])
    said: list[str] = field(default_factory=list[str])


def parse_cargo(output: str) -> tuple[TestResult, ...] | Unreadable:
    """The tests of all binaries and of the documentation. What could not be compiled is the failure of the whole."""
    lines = without_colours(output).replace("\r\n", "\n").split("\n")
    binaries = list(_binaries(lines))
    if not binaries:
        failure = build_failure(output)
        return (failure,) if failure else Unreadable("the output holds no run of `cargo test`")
    for binary in binaries:
        if problem := _problem(binary):
            return Unreadable(problem)
    return tuple(result for place, binary in _numbered(binaries) for result in _results(place, binary))


def build_failure(output: str) -> TestResult | None:
    """The failure of cargo to build anything, in the compiler's words; None when it complains of nothing."""
    lines = without_colours(output).replace("\r\n", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if _ERROR.match(line)), None)
    if first is None:
        return None
    return TestResult(
        test_id=EXIT_STATUS_ID,
        test_name=EXIT_STATUS_ID,
        status=TestStatus.ERROR,
        test_purpose="the tests can be compiled",
        error=clip("\n".join(lines[first:])),
    )


def _binaries(lines: Sequence[str]) -> Iterator[_Binary]:
    binary: _Binary | None = None
    for line in lines:
        if place := _place(line):
            if binary is not None:
                yield binary
            binary = _Binary(place)
        elif binary is not None:
            _read(binary, line)
    if binary is not None:
        yield binary


def _place(line: str) -> str:
    """What a heading names: the crate and its file, the file of an integration test, or a crate's documentation."""
    if match := _DOCS.match(line):
        return f"{DOC_TESTS} {match['crate']}"
    match = _BINARY.match(line)
    if match is None or not (match["source"] or match["file"]):
        return ""
    crate = PurePosixPath(match["file"] or match["source"]).name.rpartition("-")[0]
    source = match["source"] if match["file"] else ""
    return source if source and not source.startswith("src/") else f"{crate} {source}".strip()


def _read(binary: _Binary, line: str) -> None:
    block = binary.blocks[-1] if binary.blocks and not binary.blocks[-1].closed else None
    if block is None:
        match = _START.match(line)
        if match:
            binary.blocks.append(_Block(promised=int(match[1])))
        else:
            binary.said.append(line)
    elif block.listing:
        binary.said.append(line)
        _read_listing(block, line)
    else:
        _read_details(block, line)
    if block is not None and (match := _SUMMARY.match(line)) and _adds_up(block, match):
        block.closed = True


def _read_listing(block: _Block, line: str) -> None:
    if line == "failures:":
        block.listing = False
    elif match := _LISTED.match(line):
        block.ends[match["name"]] = match["end"]
        block.begun = ""
    elif match := _BEGUN.match(line):
        block.begun = match["name"]
    elif block.begun and (match := _ENDED.search(line)):
        block.ends[block.begun] = match["end"]
        block.begun = ""


def _read_details(block: _Block, line: str) -> None:
    match = _DETAIL.match(line)
    if match and block.ends.get(match[1]) == "FAILED":
        block.detail = block.errors.setdefault(match[1], [])
    elif line == "failures:":
        block.detail = None
    elif block.detail is not None:
        block.detail.append(line)


def _adds_up(block: _Block, summary: re.Match[str]) -> bool:
    kinds = Counter(_kind(end) for end in block.ends.values())
    counted = {kind: int(summary[kind]) for kind in ("passed", "failed", "skipped", _MEASURED)}
    return len(block.ends) == block.promised and all(kinds[kind] == count for kind, count in counted.items())


def _kind(end: str) -> str:
    if end.startswith("bench"):
        return _MEASURED
    return {"ok": "passed", "FAILED": "failed"}.get(end, "skipped")


def _problem(binary: _Binary) -> str:
    """Why a binary's results cannot be used; empty when they can."""
    if not binary.blocks:
        return f"{binary.place} did not say how many tests it runs (a harness of its own?)"
    block = binary.blocks[-1]
    if block.closed:
        return ""
    said = [*binary.said, *(line for detail in block.errors.values() for line in detail)]
    cause = " ".join(line.strip() for line in said[said.index(_CAUSE) + 1 :][:2]) if _CAUSE in said else ""
    count = f"{block.promised} announced, {len(block.ends)} listed"
    return f"the tests of {binary.place} do not add up to its summary: {count}{f' ({cause})' if cause else ''}"


def _numbered(binaries: Iterable[_Binary]) -> Iterator[tuple[str, _Binary]]:
    """Members of a workspace may have test files of the same name: a number tells them apart, in cargo's order."""
    seen: Counter[str] = Counter()
    for binary in binaries:
        seen[binary.place] += 1
        number = seen[binary.place]
        yield (binary.place if number == 1 else f"{binary.place} ({number})"), binary


def _results(place: str, binary: _Binary) -> Iterator[TestResult]:
    names = _stable_names([name for block in binary.blocks for name in block.ends])
    for block in binary.blocks:
        for name, end in block.ends.items():
            kind = _kind(end)
            error = clip("\n".join(block.errors.get(name, ()))) or "failed" if kind == "failed" else None
            yield TestResult(
                test_id=join_id(place, names[name]),
                test_name=names[name],
                status=TestStatus.PASSED if kind == _MEASURED else TestStatus(kind),
                test_purpose=purpose_of(names[name]),
                error=error,
            )


def _stable_names(names: Iterable[str]) -> dict[str, str]:
    """The names of documentation tests without their lines, which move with every edit; numbered in their order."""
    found = {name: name for name in names}
    matches = [match for name in found if (match := _DOC_NAME.match(name))]
    seen: Counter[str] = Counter()
    for match in sorted(matches, key=lambda match: int(match["line"])):
        item = match["item"]
        seen[item] += 1
        found[match[0]] = item if seen[item] == 1 else f"{item} ({seen[item]})"
    return found
