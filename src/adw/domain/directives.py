"""What people write to us: commands in comments, directives in the text of an issue.

Only whole lines that say nothing else count, at the margin, outside of code, quotations and hidden text: whoever
merely mentions us, or shows somebody how it is done, starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adw.domain.agent import ModelSet
from adw.domain.kinds import canonical_kind
from adw.domain.workflow import WorkflowOptions

MENTION = "adw"
MAX_CHARS = 70_000
"""More than any forge takes; what is beyond is not read."""

_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PREFORMATTED = re.compile(r"<(pre|code|script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_DIRECTIVE = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*)[ \t]*:[ \t]*(?P<value>[A-Za-z][A-Za-z0-9_-]*)"
)
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
_SETS = {each.value: each for each in ModelSet}
_MOST_WORDS = 6
_MOST_KIND_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How work is to be done, as far as somebody said. None leaves it to the project."""

    model_set: ModelSet | None = None
    skip_e2e: bool = False
    auto_resolve: bool = True

    @property
    def options(self) -> WorkflowOptions:
        return WorkflowOptions(skip_e2e=self.skip_e2e, auto_resolve=self.auto_resolve)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line that is addressed to us. `kind` is what follows our name, in canonical form and perhaps unknown."""

    kind: str
    choices: Choices = Choices()
    rest: str = ""
    """Words that are no part of a command; such a line orders nothing but may be meant as a request."""
    is_mention: bool = True
    """Whether it began with `@`: then it is certainly addressed to us."""

    @property
    def is_complete(self) -> bool:
        return not self.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """What the text of an issue asks for."""

    kind: str | None = None
    choices: Choices = Choices()


def find_command(text: str, *, names: Iterable[str] = ()) -> Command | None:
    """The first line that is a command, else the first that is addressed to us with `@`, else None.

    `names` are the logins that mean us besides `adw`.
    """
    known = _names(names)
    found = [command for line in spoken_lines(text) if (command := _command(line, known)) is not None]
    complete = [command for command in found if command.is_complete]
    return next(iter(complete), None) or next((each for each in found if each.is_mention), None)


def find_request(text: str, *, names: Iterable[str] = ()) -> str | None:
    """All that follows the first `@adw` at the start of a line; None when nothing does."""
    known = _names(names)
    lines = list(spoken_lines(text))
    for index, line in enumerate(lines):
        word, _, rest = line.partition(" ")
        if word.startswith("@") and word[1:].rstrip(",:").lower() in known:
            said = "\n".join([rest, *lines[index + 1 :]]).strip()
            return said or None
    return None


def find_directives(text: str) -> Directives:
    """The first of each kind counts; what is not known is left alone, for it may be anything."""
    kind: str | None = None
    model_set: ModelSet | None = None
    flags: dict[str, bool] = {}
    for line in spoken_lines(text):
        key, value = _directive(line)
        if key == "workflow" and kind is None:
            kind = canonical_kind(value)
        elif key == "model-set" and model_set is None:
            model_set = _SETS.get(value)
        elif key in _FLAGS and (value in _SWITCH or not value):
            name, when_on = _FLAGS[key]
            flags.setdefault(name, when_on == _SWITCH.get(value, True))
    return Directives(kind=kind, choices=Choices(model_set=model_set, **flags))


def spoken_lines(text: str) -> Iterator[str]:
    """The lines at the margin that are said and not shown, without white space at their end."""
    text = _PREFORMATTED.sub("", _HIDDEN.sub("", text[:MAX_CHARS].replace("\r\n", "\n").replace("\r", "\n")))
    fence, is_quoted = "", False
    for line in text.split("\n"):
        # A paragraph that begins in a quotation goes on in it until an empty line.
        is_quoted = not fence and bool(line.strip()) and (is_quoted or line.lstrip(" ").startswith(">"))
        found = _FENCE.fullmatch(line)
        if fence:
            if found and found["fence"].startswith(fence) and not found["info"].strip():
                fence = ""
        elif found and not (found["fence"][0] == "`" and "`" in found["info"]):
            fence = found["fence"]
        elif not is_quoted and line[:1] not in {" ", "\t", ""}:
            yield line.rstrip()


_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_FLAGS = {
    "skip-e2e": ("skip_e2e", True),
    "auto-resolve": ("auto_resolve", True),
    "no-auto-resolve": ("auto_resolve", False),
}


def _directive(line: str) -> tuple[str, str]:
    """Key and value in one spelling; both empty for a line that is none."""
    if line.startswith("--"):
        key = line[2:].lower().replace("_", "-")
        return (key, "") if key in _FLAGS else ("", "")
    found = _DIRECTIVE.fullmatch(line)
    return (found["key"].lower().replace("_", "-"), found["value"].lower()) if found else ("", "")


def _command(line: str, names: frozenset[str]) -> Command | None:
    first, _, rest = line.partition(" ")
    name, is_mention = first.removeprefix("@").rstrip(",:").lower(), first.startswith("@")
    words = rest.split()
    if name not in (names if is_mention else {MENTION}) or not words:
        return None
    kind = canonical_kind(words[0]) if len(words[0]) <= _MOST_KIND_CHARS and _KIND.fullmatch(words[0]) else ""
    choices, unknown = _choices(words[1:])
    is_order = bool(kind) and not unknown and len(words) <= _MOST_WORDS
    return Command(kind=kind, choices=choices, rest="" if is_order else rest.strip(), is_mention=is_mention)


def _choices(words: list[str]) -> tuple[Choices, list[str]]:
    """What the words after the kind choose, and those that choose nothing."""
    model_set: ModelSet | None = None
    flags: dict[str, bool] = {}
    unknown: list[str] = []
    for word in words:
        plain = word.lower()
        key = plain[2:].replace("_", "-") if plain.startswith("--") else ""
        if plain in _SETS and model_set is None:
            model_set = _SETS[plain]
        elif key in _FLAGS:
            name, when_on = _FLAGS[key]
            flags[name] = when_on
        else:
            unknown.append(word)
    return Choices(model_set=model_set, **flags), unknown


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset({MENTION, *(name.lower().removesuffix("[bot]") for name in names)})
