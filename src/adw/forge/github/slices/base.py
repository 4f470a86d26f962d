"""What all slices share: unknown fields are ignored, and null is the same as missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, model_validator

LONG_AGO = datetime.fromtimestamp(0, UTC)
_MOMENTS = TypeAdapter(datetime)


def _moment(value: Any) -> datetime:
    """Times in whatever form, in UTC; what is no time happened long ago."""
    try:
        found = _MOMENTS.validate_python(value)
    except ValidationError:
        return LONG_AGO
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Slice(BaseModel):
    """Part of an answer. Every field has a default, or the answer would be useless without it."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        return {name: value for name, value in cast("dict[str, Any]", found).items() if value is not None}


class User(Slice):
    """An account; a deleted one is shown as `ghost`, as GitHub does."""

    login: str = "ghost"
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot" or self.login.endswith("[bot]")


GHOST = User()


class Made(Slice):
    """Whatever has an id and an author."""

    id: int = 0
    user: User = GHOST
    created_at: Moment = LONG_AGO
    updated_at: Moment = LONG_AGO
    html_url: str | None = None
