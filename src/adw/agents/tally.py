"""Counts what a conversation used, from the stream itself, so that a broken one is counted too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claude_agent_sdk import AssistantMessage, Message, ResultMessage, StreamEvent, SystemMessage, UserMessage

from adw.domain.usage import Price, Tokens, Usage, cost_of, price_for


@dataclass(slots=True)
class Tally:
    """Running sums of one conversation."""

    requests: int = 0
    retries_in_a_row: int = 0
    """Failed attempts since the model last answered."""
    _settled: Tokens = field(default_factory=Tokens)
    _open: Tokens = field(default_factory=Tokens)

    @property
    def tokens(self) -> Tokens:
        return self._settled + self._open

    def add(self, message: Message) -> None:
        match message:
            case StreamEvent():
                self.add_event(message.event)
            case SystemMessage(subtype="api_retry"):
                self.retries_in_a_row += 1
            case AssistantMessage(error=None) | UserMessage():
                self.retries_in_a_row = 0
            case _:
                pass

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Counts one event of a streamed answer."""
        if event.get("type") == "message_start":
            self.requests += 1
            self._settled += self._open
            self._open = _tokens(event.get("message", {}).get("usage"))
        elif event.get("type") == "message_delta":
            output = _tokens(event.get("usage")).output
            self._open = Tokens(
                input=self._open.input,
                output=max(output, self._open.output),
                cache_write=self._open.cache_write,
                cache_read=self._open.cache_read,
            )


def usage_of(tally: Tally, *, result: ResultMessage | None, model: str, prices: Mapping[str, Price]) -> Usage:
    """Tokens of this run alone. The CLI's own figure wins if it has one; it has none for an interrupted turn.

    Cost is computed here because the CLI's total accumulates over resumed runs; None when the price is unknown.
    """
    reported = _tokens(result.usage) if result else Tokens()
    tokens = reported if reported != Tokens() else tally.tokens
    price = price_for(model, prices=prices)
    return Usage(requests=tally.requests, tokens=tokens, cost_usd=cost_of(tokens, price=price) if price else None)


def _tokens(usage: Mapping[str, Any] | None) -> Tokens:
    counts = usage or {}
    return Tokens(
        input=counts.get("input_tokens") or 0,
        output=counts.get("output_tokens") or 0,
        cache_write=counts.get("cache_creation_input_tokens") or 0,
        cache_read=counts.get("cache_read_input_tokens") or 0,
    )
