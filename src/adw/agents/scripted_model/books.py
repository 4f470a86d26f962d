"""The journal entry of an exchange: what the caller will have been told, so that its own books can be compared."""

from __future__ import annotations

from adw.agents.scripted_model.answer import Answer
from adw.agents.scripted_model.asgi import Exchange
from adw.agents.scripted_model.journal import JournalEntry
from adw.agents.scripted_model.matching import Choice
from adw.agents.scripted_model.request import RETRY_HEADER, RequestView

_NOTED_HEADERS = (RETRY_HEADER, "user-agent", "anthropic-version")
_NOTED_PREFIXES = ("x-claude-code-", "x-adw-")
_WHOLE = frozenset({None, "empty", "truncate", "refusal"})
_TOLD_OPENING = frozenset({"drop", "cut", "hang", "error_event"})


def entry_for(exchange: Exchange, *, view: RequestView, choice: Choice, answer: Answer, seen: int) -> JournalEntry:
    fault = choice.reply.fault
    told_input, told_output = _told(answer, fault=fault, stream=view.stream)
    return JournalEntry(
        path=exchange.path,
        status=_status(fault, stream=view.stream),
        rule=choice.rule,
        fault=fault,
        role=view.role,
        phase=view.phase,
        model=view.model,
        stream=view.stream,
        step=view.step,
        turn=view.turn,
        seen=seen,
        digest=view.digest,
        message_id=None if isinstance(fault, int) else answer.message_id,
        input_tokens=told_input,
        output_tokens=told_output,
        headers=_noted(exchange),
    )


def _status(fault: int | str | None, *, stream: bool) -> int:
    """The HTTP status the caller sees; 0 when it sees none."""
    if isinstance(fault, int):
        return fault
    if fault == "silence":
        return 0
    return 500 if fault == "error_event" and not stream else 200


def _told(answer: Answer, *, fault: int | str | None, stream: bool) -> tuple[int, int]:
    """Input and output tokens as the caller was told them; a broken stream has told only its opening."""
    used = answer.usage["input_tokens"], answer.usage["output_tokens"]
    if fault in _WHOLE:
        return used
    if stream and fault in _TOLD_OPENING:
        return used[0], min(1, used[1])
    return 0, 0


def _noted(exchange: Exchange) -> dict[str, str]:
    return {
        name: value
        for name, value in exchange.headers.items()
        if name in _NOTED_HEADERS or name.startswith(_NOTED_PREFIXES)
    }
