"""How values look on the wire: camelCase names, money as JSON numbers, no field nobody knows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    WithJsonSchema,
    field_validator,
    model_validator,
)

MAX_INTEGER = 2**31 - 1
MAX_USD = 1_000_000
_LEAST_USD = Decimal("0.000001")


def to_camel(name: str) -> str:
    """`skip_e2e` is `skipE2e`, and `e2e` stays itself."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Wire(BaseModel):
    """Something we send."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, from_attributes=True)


class Body(BaseModel):
    """Something we are sent. Unknown fields are refused, and so is text that could not be stored."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, frozen=True, extra="forbid", str_max_length=65_536
    )

    @model_validator(mode="before")
    @classmethod
    def _with_integers(cls, given: Any) -> Any:
        """JSON knows no integers apart from other numbers: 7.0 is 7."""
        if not isinstance(given, dict):
            return given
        named = cast("dict[object, object]", given)
        return {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in named.items()}

    @field_validator("*", mode="after")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        if _holds_nul(value):
            raise ValueError("the text holds a NUL character")
        return value


def _amount(value: Any) -> Any:
    """To the millionth, which is as exact as amounts are kept."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("an amount is a number")  # noqa: TRY004 # pydantic reports ValueErrors
    if not math.isfinite(value) or abs(value) > MAX_USD:
        return value
    exact = Decimal(str(value))
    return exact if exact < _LEAST_USD else exact.quantize(_LEAST_USD)


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            parts = cast("dict[object, object]", value)
            return any(_holds_nul(part) for pair in parts.items() for part in pair)
        case list() | tuple() | set() | frozenset():
            return any(map(_holds_nul, cast("Iterable[object]", value)))
        case _:
            return False


Money: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""US dollars we report."""
Amount: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(ge=_LEAST_USD, le=MAX_USD, description="US dollars"),
    WithJsonSchema({"type": "number", "minimum": float(_LEAST_USD), "maximum": MAX_USD}),
]
"""US dollars somebody names."""
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text."""
Actor: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="Who asks, for the record"),
]
Number: TypeAlias = Annotated[StrictInt, Field(ge=1, le=MAX_INTEGER)]
"""The number of an issue or pull request."""


class ActorBody(Body):
    """An action without further choices."""

    actor: Actor = "api"
