"""How each runner is told to run one test and no other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from adw.domain.testing import SYNTHETIC_IDS, ReportFormat
from adw.workspace.commands.cargo_text import DOC_TESTS
from adw.workspace.commands.identity import NESTED, SEPARATOR, split_id

_ID_NAMES_A_TEST = frozenset({ReportFormat.GO_JSON, ReportFormat.CARGO, ReportFormat.MAVEN, ReportFormat.GRADLE})
_LAST_OF_16_BITS = "\uffff"
_NUMBERED = re.compile(r" \(\d+\)$")


def runs_alone(test_id: str, report_format: ReportFormat) -> bool:
    """Whether an id is that of a test. Some stand for the whole run, or for a package or task that failed as such."""
    if report_format is ReportFormat.EXIT_CODE:
        return True
    return test_id not in SYNTHETIC_IDS and (report_format not in _ID_NAMES_A_TEST or SEPARATOR in test_id)


def fill(template: str, *, test_id: str) -> str:
    """A command line that runs one test. `{name}` and `{leaf}` are regular expressions for its whole and last name.

    Between the parts of a name anything may stand: versions of the same runner differ there. `{go}`, `{libtest}`,
    `{nextest}`, `{surefire}` and `{gradle}` are what `go test -run`, `cargo test`, `cargo nextest run -E`,
    `-Dtest=` and `--tests` take.
    """
    place, name = split_id(test_id)
    if not place:
        template = template.replace("{file} ", "")
    # In one pass, so that a test named "{file}" stays what it is.
    return re.sub(r"\{(\w+)\}", lambda match: _value(match, test_id, place, name), template)


def _value(match: re.Match[str], test_id: str, place: str, name: str) -> str:
    if match[1] == "id":
        return shlex.quote(test_id)
    if match[1] == "nextest":
        return shlex.quote(_nextest(test_id))
    if match[1] == "libtest":
        return _libtest(place, name)
    make = _FILTERS.get(match[1])
    return shlex.quote(make(place, name)) if make else match[0]


def _name(_: str, name: str) -> str:
    return f"^{'.+'.join(map(_pattern, name.split(NESTED)))}$"


def _leaf(_: str, name: str) -> str:
    return f"{_pattern(name.rpartition(NESTED)[2])}$"


def _go(_: str, name: str) -> str:
    """One expression for each level, set off by slashes; Go counts whole characters."""
    return "/".join(f"^{_pattern(part, wide=1)}$" for part in name.split("/"))


def _libtest(place: str, name: str) -> str:
    """A test by its exact name. A documentation test by all but its line, which is not part of its id."""
    if place.partition(" ")[0] != DOC_TESTS:
        return f"--tests -- --exact {shlex.quote(name)}"
    item = _NUMBERED.sub("", name)
    return f"--doc -- {shlex.quote(f'{item} (line')}"


def _nextest(test_id: str) -> str:
    """The id begins with that of the binary, which is a package's name, or that and a target's."""
    parts = test_id.split(SEPARATOR)
    names = dict.fromkeys(SEPARATOR.join(parts[skipped:]) for skipped in (1, 2) if len(parts) > skipped)
    return " | ".join(f"test(={name})" for name in names)


def _surefire(place: str, name: str) -> str:
    return _class_and_method(place, name, separator="#")


def _gradle(place: str, name: str) -> str:
    return _class_and_method(place, name, separator=".")


def _class_and_method(place: str, name: str, *, separator: str) -> str:
    """The method; all its parameters, which cannot be chosen; or the class, if the name is one for people."""
    match = re.fullmatch(r"(?P<method>[\w$]+)(?P<rest>[(\[{].*)?", name, re.DOTALL)
    if match is None:
        return place
    every = "*" if (match["rest"] or "(")[0] != "(" else ""
    return f"{place}{separator}{match['method']}{every}"


_FILTERS: dict[str, Callable[[str, str], str]] = {
    "file": lambda place, _: place,
    "name": _name,
    "leaf": _leaf,
    "go": _go,
    "surefire": _surefire,
    "gradle": _gradle,
}


def _pattern(name: str, *, wide: int = 2) -> str:
    """A regular expression that needs no quoting in any shell; JavaScript counts UTF-16 units."""
    return "".join(c if c.isascii() and c.isalnum() else "." * (wide if c > _LAST_OF_16_BITS else 1) for c in name)
