"""Sets of whole numbers as scenario files write them: `2`, `[0, 3]`, `"1..4"`, `"2.."`, `"..3"`."""

from __future__ import annotations

import re
from typing import Any, cast

_RANGE = re.compile(r"(\d*)\.\.(\d*)")


def check_numbers(spec: Any) -> int | list[int] | str:
    """Returns `spec`; raises ValueError when it is none of the forms above."""
    if _is_whole(spec) or (isinstance(spec, list) and all(map(_is_whole, cast("list[Any]", spec)))):
        return cast("int | list[int]", spec)
    if isinstance(spec, str) and spec != ".." and _RANGE.fullmatch(spec):
        return spec
    raise ValueError(f'{spec!r} is not a number, a list of numbers, or a range such as "1..4", "2.." or "..3"')


def holds(spec: int | list[int] | str, number: int) -> bool:
    """Whether `number` is in the set; both ends of a range belong to it."""
    if isinstance(spec, int):
        return number == spec
    if isinstance(spec, list):
        return number in spec
    low, _, high = spec.partition("..")
    return (not low or number >= int(low)) and (not high or number <= int(high))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
