"""Finds the report a run wrote, and nothing an earlier run left behind, and reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from adw.domain.testing import ReportFormat, TestResult, Unreadable
from adw.ports.launcher import Exited
from adw.workspace.commands.cargo_text import NOT_COMPILED, build_failure, parse_cargo
from adw.workspace.commands.go_json import parse_go_json
from adw.workspace.commands.identity import Locator, clean_text
from adw.workspace.commands.jest_json import parse_jest_json
from adw.workspace.commands.junit import parse_junit
from adw.workspace.commands.jvm_console import build_failures, without_reports
from adw.workspace.commands.tap import parse_tap

_MAX_FILES = 5_000
_MAX_BYTES = 64_000_000
_BUILD_TOOLS = frozenset({ReportFormat.MAVEN, ReportFormat.GRADLE})
_PIECE_BY_PIECE = _BUILD_TOOLS | {ReportFormat.CARGO, ReportFormat.GO_JSON}
"""Formats whose first half looks whole: each package, binary or module reports for itself."""
_SIGNALLED = 128
_PLACES = {
    ReportFormat.MAVEN: "**/target/surefire-reports/TEST-*.xml",
    ReportFormat.GRADLE: "**/build/test-results/test*/TEST-*.xml",
}
"""Where tools write their reports unless told otherwise."""

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Where a report will be, and what lay there before the run."""

    format: ReportFormat
    root: Path
    folder: Path
    pattern: str
    before: Mapping[Path, _Stamp]


def expect_report(*, report_format: ReportFormat, root: Path, folder: Path, pattern: str) -> Expected:
    """To be called before the run. `pattern` is an absolute path, or a path or glob below `folder`."""
    pattern = pattern or _PLACES.get(report_format, "")
    before = {path: _stamp(path) for path in _matches(folder, pattern)}
    return Expected(format=report_format, root=root, folder=folder, pattern=pattern, before=before)


def read_report(expected: Expected, exited: Exited) -> tuple[TestResult, ...] | Unreadable:
    """The results of a run that has ended. Blocking: reports may be large."""
    if expected.format is ReportFormat.EXIT_CODE:
        return ()
    if expected.format in _PIECE_BY_PIECE and _was_stopped(exited):
        return Unreadable("the run was stopped before its end, and what is missing cannot be told")
    return _storable(_written(expected, exited) if expected.pattern else _printed(expected.format, exited))


def _was_stopped(exited: Exited) -> bool:
    """Whether a signal ended the run, or the shell says that of the program it ran."""
    return exited.exit_code is None or exited.exit_code > _SIGNALLED


def _printed(report_format: ReportFormat, exited: Exited) -> tuple[TestResult, ...] | Unreadable:
    """Formats that need no file: the report is what the command prints."""
    if exited.truncated:
        return Unreadable("the output was too long to be read")
    if report_format is ReportFormat.TAP:
        return parse_tap(exited.output)
    if report_format is ReportFormat.CARGO:
        return parse_cargo(exited.output)
    if report_format is ReportFormat.GO_JSON:
        return parse_go_json(exited.output.encode(errors="replace"), printed=exited.output)
    return Unreadable("nobody said where the report is")


def _written(expected: Expected, exited: Exited) -> tuple[TestResult, ...] | Unreadable:
    present = _matches(expected.folder, expected.pattern)
    # Only what this run wrote.
    fresh = [path for path in present if expected.before.get(path) != _stamp(path)]
    if not fresh:
        stale = " (one from before the run is there)" if present else ""
        why = _without_reports(expected.format, exited)
        return Unreadable(f"the run wrote no report{stale}") if why is None else why
    if sum(path.stat().st_size for path in fresh) > _MAX_BYTES:
        return Unreadable(f"the report has more than {_MAX_BYTES // 1_000_000} MB")
    results: list[TestResult] = []
    for path in fresh:
        found = _parse(path, expected, exited)
        if isinstance(found, Unreadable):
            # A report whose place we chose has a name that says nothing.
            chosen = Path(expected.pattern).is_absolute()
            return found if chosen else Unreadable(f"{path.name}: {found.reason}")
        results.extend(found)
    if expected.format not in _BUILD_TOOLS:
        return tuple(results)
    if not results:
        return _without_reports(expected.format, exited) or ()
    return (*results, *build_failures(exited.output, report_format=expected.format))


def _without_reports(report_format: ReportFormat, exited: Exited) -> tuple[TestResult, ...] | None:
    """What the tool says of a run that came to no report; None when it gives no reason."""
    if report_format in _BUILD_TOOLS:
        return without_reports(exited.output, exited.exit_code, report_format=report_format)
    if report_format is ReportFormat.CARGO and NOT_COMPILED in exited.output:
        return () if (failure := build_failure(exited.output)) is None else (failure,)
    return None


def _parse(path: Path, expected: Expected, exited: Exited) -> tuple[TestResult, ...] | Unreadable:
    try:
        data = path.read_bytes()
    except OSError as error:
        return Unreadable(f"it cannot be read: {error.strerror}")
    locator = Locator(expected.root)
    if expected.format is ReportFormat.JEST_JSON:
        return parse_jest_json(data, locator=locator)
    if expected.format is ReportFormat.TAP:
        return parse_tap(data.decode(errors="replace"))
    if expected.format is ReportFormat.GO_JSON:
        return parse_go_json(data, printed=exited.output)
    return parse_junit(data, locator=locator)


def _storable(results: tuple[TestResult, ...] | Unreadable) -> tuple[TestResult, ...] | Unreadable:
    """A database takes neither NUL nor half a character; a project's tests may be named anything."""
    if isinstance(results, Unreadable):
        return results
    return tuple(
        replace(
            result,
            test_id=clean_text(result.test_id),
            test_name=clean_text(result.test_name),
            test_purpose=clean_text(result.test_purpose),
            error=None if result.error is None else clean_text(result.error),
        )
        for result in results
    )


def _matches(folder: Path, pattern: str) -> list[Path]:
    """Ordinary files only: a link could lead out of the workspace, and reading a pipe would never end."""
    if not pattern:
        return []
    absolute = Path(pattern).is_absolute()
    found = [Path(pattern)] if absolute else sorted(islice(folder.glob(pattern), _MAX_FILES))
    inside = folder.resolve()
    safe = (path for path in found if path.is_file() and not path.is_symlink())
    return [path for path in safe if absolute or path.resolve().is_relative_to(inside)]


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
