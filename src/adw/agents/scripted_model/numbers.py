"""Sets of whole numbers as scenario files write them: `2`, `[0, 3]`, `"1..4"`, `"2.."`, `"..3"`."""

from __future__ import annotations

import re

_RANGE = re.compile(r"(\d*)\.\.(\d*)")


def check_numbers(spec: int | list[int] | str) -> int | list[int] | str:
    """Returns `spec`; raises ValueError when it is text that is not a range."""
    if isinstance(spec, str) and (spec == ".." or _RANGE.fullmatch(spec) is None):
        raise ValueError(f'{spec!r} is not a range such as "1..4", "2.." or "..3"')
    return spec


def holds(spec: int | list[int] | str, number: int) -> bool:
    """Whether `number` is in the set; both ends of a range belong to it."""
    if isinstance(spec, int):
        return number == spec
    if isinstance(spec, list):
        return number in spec
    low, _, high = spec.partition("..")
    return (not low or number >= int(low)) and (not high or number <= int(high))
