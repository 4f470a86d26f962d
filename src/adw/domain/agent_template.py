"""What free agents are made from: a Markdown file whose head says name, tools and model, and whose body is the prompt.

Such files are written by hand for other programs too, so the head is read line by line and forgivingly: values with
colons in them, quotes, lists in three notations, and keys that mean nothing here are all met in practice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from adw.domain.free_agent import ALL_TOOLS, known_rules
from adw.kit.errors import ConfigurationError

MAX_TEMPLATE_BYTES = 50_000
_FENCE = "---"
_KEY = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9_-]*)\s*:(?:\s+(?P<value>.*))?")
_BLOCK = re.compile(r"[|>][+-]?\d*")
_ITEM = re.compile(r"-\s+(?P<item>.*)")
_BETWEEN = re.compile(r",(?![^()]*\))")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
_EVERYTHING = ("*", "all")
_SAME_MODEL = ("", "inherit", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTemplate:
    """What an agent of this kind is told and may use. `model` is None for the usual one.

    `left_out` are tools the file names that free agents do not have. `origin` is a path, or `built-in`.
    """

    name: str
    description: str
    system_prompt: str
    tools: tuple[str, ...]
    model: str | None
    origin: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenTemplate:
    """A file that cannot be used as one, and why."""

    origin: str
    problem: str


def parse_template(content: bytes, *, origin: str) -> AgentTemplate:
    """Raises ConfigurationError for a file without a head, without a prompt, or that is no text."""
    if len(content) > MAX_TEMPLATE_BYTES:
        raise _unusable(origin, f"is larger than {MAX_TEMPLATE_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(origin, "is not UTF-8 text") from error
    if "\0" in text:
        raise _unusable(origin, "holds a NUL character")
    head, body = _split(text, origin=origin)
    known = dict(_entries(head))
    if not body.strip():
        raise _unusable(origin, "has no prompt below its head")
    stem = origin.rpartition("/")[2].removesuffix(".md")
    name = _one_line(known.get("name", ())) or stem
    if _NAME.fullmatch(name) is None:
        raise _unusable(origin, f"has a name that cannot be used: {name[:60]!r}")
    tools, left_out = _tools(known, origin=origin)
    model = _one_line(known.get("model", ()))
    return AgentTemplate(
        name=name,
        description=_one_line(known.get("description", ())).replace("\\n", " "),
        system_prompt=body.strip(),
        tools=tools,
        model=None if model.lower() in _SAME_MODEL else model,
        origin=origin,
        left_out=left_out,
    )


def _split(text: str, *, origin: str) -> tuple[list[str], str]:
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        raise _unusable(origin, f"does not begin with a line `{_FENCE}` and its name")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return lines[1:number], "\n".join(lines[number + 1 :])
    raise _unusable(origin, f"has a head that no second line `{_FENCE}` ends")


def _entries(head: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each key with the lines of its value; what is indented or a list item belongs to the key before."""
    key: str | None = None
    lines: list[str] = []
    for line in head:
        if line.startswith("#"):
            continue
        found = None if line[:1].isspace() else _KEY.fullmatch(line.rstrip())
        if found is None:
            lines.append(line.strip())
            continue
        if key is not None:
            yield key, tuple(lines)
        key, lines = found["key"].lower(), [(found["value"] or "").strip()]
    if key is not None:
        yield key, tuple(lines)


def _tools(known: Mapping[str, tuple[str, ...]], *, origin: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A file that says nothing of tools gives all; one that names only tools we do not have gives none at all."""
    named = known.get("tools", known.get("allowed-tools"))
    if named is None:
        return ALL_TOOLS, ()
    if "".join(named) == "[]":
        return (), ()
    rules = _listed(named)
    if not rules or any(rule.lower() in _EVERYTHING for rule in rules):
        return ALL_TOOLS, ()
    tools = known_rules(rules)
    if not tools:
        raise _unusable(origin, f"names no tool that there is here; there are {', '.join(ALL_TOOLS)}")
    return tools, tuple(rule for rule in dict.fromkeys(rules) if rule not in tools)


def _listed(lines: Sequence[str]) -> list[str]:
    """`a, b`, `[a, b]`, or one a line behind hyphens; commas within parentheses divide nothing."""
    items = [found["item"] for line in lines if (found := _ITEM.fullmatch(line))]
    if not items:
        items = _BETWEEN.split(" ".join(lines).strip().removeprefix("[").removesuffix("]"))
    return [bare for item in items if (bare := _unquoted(item))]


def _one_line(lines: Sequence[str]) -> str:
    kept = [line for line in lines if line and _BLOCK.fullmatch(line) is None]
    return _unquoted(" ".join(" ".join(kept).split()))


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def _unusable(origin: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{origin} {why}", hint="begin it with `---`, `name: ...`, `---`, and write the prompt below"
    )
