"""Whether two descriptions of a problem mean the same one: by their words, and by the places and names in them.

Line numbers move and wordings change from one telling to the next; files and identifiers hardly do.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

ALIKE = 0.6
ALIKE_IN_ONE_PLACE = 0.35
ALIKE_BY_OTHER_NAMES = 0.85
ALIKE_WHEN_CITED = 0.15

_PLACE = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.[a-z]\w{0,7})(?::\d+(?:[-:]\d+)?)?(?![\w/])")
_NAME = re.compile(r"`([^`\n]+)`|\b(\w+)\(\)")
_WORD = re.compile(r"[^\W\d_]+(?:_\w+)*")
_COMMON_WORDS = """
a an and are as at be but by can does for from has have if in into is it its not no of on or so that the their then
there this to was when which will with would
"""
_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Telling:
    """What of a description can be compared."""

    text: str
    words: Counter[str]
    pieces: Counter[str]
    places: frozenset[str]
    names: frozenset[str]

    @staticmethod
    def of(text: str) -> Telling:
        lowered = text.lower()
        words = [word for word in _WORD.findall(_PLACE.sub(" ", lowered)) if word not in _COMMON]
        named = [_without_call(first or second) for first, second in _NAME.findall(lowered)]
        return Telling(
            text=" ".join(lowered.split()),
            words=Counter(words),
            pieces=Counter(f" {word} "[start : start + 3] for word in words for start in range(len(word))),
            places=frozenset(_PLACE.findall(lowered)),
            names=frozenset(name for name in named if not _PLACE.fullmatch(name)),
        )


def likeness(one: Telling, other: Telling) -> float:
    """From 0, nothing in common, to 1: by whole words, and by pieces of words where their forms differ."""
    if one.text == other.text:
        return 1.0
    return (_share(one.words, other.words) + _share(one.pieces, other.pieces)) / 2


def mean_the_same(one: Telling, other: Telling, *, cited: bool = False) -> bool:
    """Whether the second tells of the problem of the first. `cited`: it says so itself, which has to be plausible."""
    found = likeness(one, other)
    share_a_place = bool(one.places & other.places or one.names & other.names)
    if cited:
        return share_a_place or found >= ALIKE_WHEN_CITED
    if _disjoint(one.places, other.places):
        return False
    if _disjoint(one.names, other.names):
        return found >= ALIKE_BY_OTHER_NAMES
    return found >= (ALIKE_IN_ONE_PLACE if share_a_place else ALIKE)


def repeat_one_another(one: Telling, other: Telling) -> bool:
    """Whether two descriptions given side by side are one: stricter, for a list that tells them apart means it."""
    return not _disjoint(one.places, other.places) and likeness(one, other) >= ALIKE_BY_OTHER_NAMES


def _share(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _disjoint(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both say where, and mean different places."""
    return bool(one and other) and not one & other


def _without_call(name: str) -> str:
    return name.partition("(")[0].strip()
