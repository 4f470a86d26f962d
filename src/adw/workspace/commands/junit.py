"""Reads JUnit XML as pytest, Node, vitest, jest-junit, Maven and Gradle write it.

A report comes from a project we do not trust: document types and entities are refused, and sizes are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from adw.domain.testing import TestResult, TestStatus, Unreadable, purpose_of
from adw.workspace.commands.identity import NESTED, Locator, clip, join_id

_MAX_TESTS = 200_000
_MAX_DEPTH = 200
_MAX_TEXT = 100_000
_PROBLEMS = {"failure": TestStatus.FAILED, "error": TestStatus.ERROR}
_NODE_CLASS = "test"


def parse_junit(data: bytes, *, locator: Locator) -> tuple[TestResult, ...] | Unreadable:
    """The tests of one report, in its order."""
    if not data.strip():
        return Unreadable("the report is empty")
    reader = _Reader(locator)
    try:
        reader.read(data)
    except _RefusedError as error:
        return Unreadable(str(error))
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        return Unreadable(f"the report is not valid XML: {error}")
    return tuple(reader.results)


class _RefusedError(Exception):
    """The report is XML, but not one that is read."""


@dataclass(slots=True)
class _Case:
    """A test case while it is being read."""

    attributes: Mapping[str, str]
    suites: Sequence[str]
    status: TestStatus = TestStatus.PASSED
    planned: bool = False
    messages: list[str] = field(default_factory=list[str])


class _Reader:
    """Collects the test cases of one document as the parser meets its elements."""

    def __init__(self, locator: Locator) -> None:
        self.results: list[TestResult] = []
        self._locator = locator
        self._suites: list[str] = []
        self._case: _Case | None = None
        self._open: list[str] = []
        self._text: list[str] = []
        self._text_size = 0

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        parser.Parse(data, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name not in {"testsuites", "testsuite"}:
            raise _RefusedError(f"the report is not JUnit XML: it starts with <{name[:40]}>")
        if len(self._open) >= _MAX_DEPTH or len(self.results) >= _MAX_TESTS:
            raise _RefusedError("the report is too large")
        self._open.append(name)
        if name == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif name == "testcase":
            self._case = _Case(attributes=attributes, suites=tuple(self._suites))
        elif self._case is not None:
            self._note(self._case, name, attributes)

    def _note(self, case: _Case, name: str, attributes: Mapping[str, str]) -> None:
        """An element inside a test case that says how it ended."""
        if name == "skipped":
            case.planned = case.planned or attributes.get("type") == "todo"
            case.status = TestStatus.SKIPPED if case.status is TestStatus.PASSED else case.status
        elif name in _PROBLEMS:
            case.status = _PROBLEMS[name]
            self._text = [attributes.get("message", "")]
            self._text_size = len(self._text[0])

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "testsuite":
            self._suites.pop()
        elif self._case is None:
            return
        elif name == "testcase":
            self.results.append(_result(self._case, self._locator))
            self._case = None
        elif name in _PROBLEMS:
            self._case.messages.append(_message(self._text))
            self._text = []

    def _characters(self, text: str) -> None:
        if self._open[-1] in _PROBLEMS and self._text_size < _MAX_TEXT:
            self._text.append(text)
            self._text_size += len(text)


def _refuse_doctype(*_: object) -> None:
    raise _RefusedError("the report declares a document type or entities, which are refused")


def _message(parts: Sequence[str]) -> str:
    """Message and text of a failure; most runners begin the text with the message."""
    headline, text = parts[0].strip(), "".join(parts[1:]).strip()
    return text if headline in text else f"{headline}\n{text}".strip()


def _result(case: _Case, locator: Locator) -> TestResult:
    # A test that is only planned may fail: it counts as skipped.
    status = TestStatus.SKIPPED if case.planned else case.status
    name = locator.relative(_name(case))
    failed = status in _PROBLEMS.values()
    return TestResult(
        test_id=_test_id(case, name, locator),
        test_name=name,
        status=status,
        test_purpose=purpose_of(name),
        error=clip("\n\n".join(case.messages)) or status.value if failed else None,
        duration_ms=_milliseconds(case.attributes.get("time", "")),
    )


def _name(case: _Case) -> str:
    name = case.attributes.get("name", "")
    # Node escapes quotation marks twice.
    return name.replace("&quot;", '"') if case.attributes.get("classname") == _NODE_CLASS else name


def _test_id(case: _Case, name: str, locator: Locator) -> str:
    place = locator.relative(case.attributes.get("file", ""))
    class_name = case.attributes.get("classname", "")
    if place.endswith(".py"):
        return _pytest_id(place, class_name, name)
    if class_name == _NODE_CLASS:  # Node says `test` for all and nests its suites instead
        return join_id(place, NESTED.join([*case.suites, name]))
    if class_name in {"", name}:
        return join_id(place or (case.suites[-1] if case.suites else ""), name)
    if place:
        return join_id(place, f"{class_name}{NESTED}{name}")
    return join_id(locator.relative(class_name), name)


def _pytest_id(place: str, class_name: str, name: str) -> str:
    """The id that pytest itself understands; a module that could not be imported is known by its file."""
    module = place.removesuffix(".py").replace("/", ".")
    if not class_name and name == module:
        return place
    classes = class_name.removeprefix(module).strip(".") if class_name.startswith(module) else class_name
    return "::".join([place, *(part for part in classes.split(".") if part), name])


def _milliseconds(seconds: str) -> int:
    plain = seconds.replace(",", "")
    return round(float(plain) * 1000) if re.fullmatch(r"\d{1,9}(\.\d+)?([eE]-\d{1,2})?", plain) else 0
