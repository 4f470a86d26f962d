"""A tool as a value: its name, what it is for, what it takes, who may use it, and what carries it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from adw.chat.tools.doors import Caller, Doors
from adw.kit.errors import AdwError

Scope = Literal["read", "operate"]
"""`read` looks, `operate` changes something."""

MAX_ANSWER_CHARS = 30_000


class Input(BaseModel):
    """What a tool takes. Fields nobody knows are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, str_max_length=60_000)

    @field_validator("*", mode="after")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        if isinstance(value, str) and ("\0" in value or any("\ud800" <= char <= "\udfff" for char in value)):
            raise ValueError("the text holds a NUL character or half a character")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """What a call came to, in words for an agent."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing that can be asked for."""

    name: str
    about: str
    scope: Scope
    takes: type[Input]
    carry_out: Callable[[Doors, Caller, Any], Awaitable[str]]
    asked_for: bool = False
    """Only a person may have it done: it is not there in turns that events begin by themselves."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of its input."""
        return _plain(self.takes.model_json_schema())

    async def call(self, doors: Doors, caller: Caller, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Never raises for what was asked, be it nonsense or refused: both are answers."""
        try:
            given = self.takes.model_validate(dict(arguments))
            text = await self.carry_out(doors, caller, given)
        except ValidationError as error:
            return ToolAnswer(text=f"{self.name} cannot be called like that: {_problems(error)}", is_error=True)
        except AdwError as error:
            return ToolAnswer(text=_refusal(error), is_error=True)
        return ToolAnswer(text=_cut(text))


def _refusal(error: AdwError) -> str:
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return f"refused ({error.code}): {error.message}{hint}"


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'input'}: {each['msg']}" for each in error.errors())


def _cut(text: str) -> str:
    left = len(text) - MAX_ANSWER_CHARS
    return text if left <= 0 else f"{text[:MAX_ANSWER_CHARS]}\n(cut off; {left} characters more)"


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles, which say nothing that names do not, and without the class's own description."""
    kept = {name: value for name, value in schema.items() if name not in {"title", "description"}}
    fields: Mapping[str, Any] = kept.get("properties", {})
    kept["properties"] = {
        name: {key: value for key, value in about.items() if key != "title"} for name, about in fields.items()
    }
    return kept
