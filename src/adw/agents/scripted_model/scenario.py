"""The scenario file as values: ordered rules, each with a `when` and what is answered then.

Every model refuses unknown keys, so that a misspelt matcher never silently matches everything.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from adw.agents.scripted_model.numbers import check_numbers
from adw.agents.scripted_model.template import BUILT_IN_NAMES, names_in

HttpFault = Literal[400, 401, 402, 403, 404, 413, 429, 500, 503, 529]
StreamFault = Literal[
    "drop", "cut", "error_event", "nonsense", "empty", "stall", "hang", "silence", "truncate", "refusal"
]

Fault = Literal[HttpFault, StreamFault]


def _check_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Regex = Annotated[str, AfterValidator(_check_regex)]
Numbers = Annotated[int | list[int] | str, BeforeValidator(check_numbers)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """All matchers given must hold; none given matches every request."""

    role: str | None = None
    phase: str | None = None
    prompt: Regex | None = None
    any_text: Regex | None = None
    step: Numbers | None = None
    turn: Numbers | None = None
    last_tool: str | None = None
    tool_result: Regex | None = None
    tool_error: bool | None = None
    model: Regex | None = None
    has_tool: str | None = None
    stream: bool | None = None
    retry: Numbers | None = None
    seen: Numbers | None = None

    def patterns(self) -> tuple[str, ...]:
        return tuple(p for p in (self.prompt, self.any_text, self.tool_result, self.model) if p is not None)


class ToolCall(_Strict):
    """A call of one of the tools the request offers."""

    name: str
    input: dict[str, Any] = Field(default_factory=dict[str, Any])


class Block(_Strict):
    """One content block: exactly one of its keys."""

    text: str | None = None
    thinking: str | None = None
    tool: ToolCall | None = None
    structured: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a block has exactly one of: text, thinking, tool, structured")
        return self


class UsageOverride(_Strict):
    """Token counts to report instead of the computed ones."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)


class Reply(_Strict):
    """What is answered, or how answering fails."""

    blocks: list[Block] = Field(default_factory=list[Block])
    delay_ms: int = Field(default=0, ge=0)
    """Before the first byte."""
    turn_ms: int = Field(default=0, ge=0)
    """Between the start of the answer and its content."""
    stop_reason: str | None = None
    usage: UsageOverride = UsageOverride()
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    fault: Fault | None = None
    retry_after_s: int | None = Field(default=None, ge=0)
    message: str | None = None
    """The text of an error answer."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.blocks and self.fault is None:
            raise ValueError('a reply needs blocks or a fault (fault = "empty" answers with nothing)')
        return self


class Rule(_Strict):
    """The first rule whose `when` holds answers: with `reply`, or with the step-th of `steps`."""

    name: str
    when: When = When()
    reply: Reply | None = None
    steps: list[Reply] = Field(default_factory=list[Reply])

    @model_validator(mode="after")
    def _one_kind_of_answer(self) -> Self:
        if (self.reply is None) == (not self.steps):
            raise ValueError("a rule has either reply or steps")
        if self.steps and self.when.step is not None:
            raise ValueError("steps already choose by step: leave when.step out")
        return self

    @model_validator(mode="after")
    def _templates_are_known(self) -> Self:
        groups = {name for pattern in self.when.patterns() for name in re.compile(pattern).groupindex}
        for reply in self.replies():
            _check_names(reply, known=groups | BUILT_IN_NAMES)
        return self

    def replies(self) -> list[Reply]:
        return self.steps if self.reply is None else [self.reply]


PLAIN_ENDING = Reply(blocks=[Block(text="Done.")])


class Scenario(_Strict):
    """A whole script: rules in order, and what is answered when none matches."""

    name: str = "unnamed"
    description: str = ""
    rules: list[Rule] = Field(default_factory=list[Rule])
    default: Reply = PLAIN_ENDING
    max_steps: int = Field(default=60, ge=1)
    """After so many answers to one prompt the text `Done.` ends it, whatever the rules say."""

    @model_validator(mode="after")
    def _default_is_fillable(self) -> Self:
        _check_names(self.default, known=BUILT_IN_NAMES)
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are called {twice[0]!r}")
        return self


def _check_names(reply: Reply, *, known: AbstractSet[str]) -> None:
    unknown = sorted(names_in([block.model_dump() for block in reply.blocks]) - known)
    if unknown:
        raise ValueError(
            f"${{{unknown[0]}}} is neither built in ({', '.join(sorted(BUILT_IN_NAMES))}) nor a named group "
            f"of this rule; write $${{{unknown[0]}}} for the text itself"
        )
