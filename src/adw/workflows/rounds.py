"""A round on an open pull request: what was ordered, and the answers to everybody once its gates are green.

The order holds what was said as it was when the round was decided upon, so that a repeat answers the same. Each answer
has a key of its own: whatever is repeated is found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import Phase
from adw.domain.phase import PhaseStatus
from adw.kit.errors import AdwError, ForgeLimitError
from adw.ports.engine import JsonValue
from adw.ports.prompts import FeedbackItem
from adw.store.db import Connection
from adw.store.events import FencedError, append_event
from adw.store.orders import OrderKind, open_order, settle_orders
from adw.store.phases import list_phases
from adw.store.watches import note_resolved
from adw.store.workflows import require_workflow
from adw.workflows.context import PhaseContext

MOST_REPLY_CHARS = 4_000
_UNANSWERED = "There is no answer to this one; please look at what was changed."

_log = structlog.get_logger(component="rounds")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOrder:
    """What one round has to deal with. `base` is the commit to merge in, None where that is not needed."""

    number: int
    remarks: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    base: str | None

    @property
    def items(self) -> list[FeedbackItem]:
        """Numbered from 1, remarks first."""
        said = [(_heading(each), str(each["text"])) for each in self.remarks]
        red = [(f"the check `{_plain(each['name'])}` fails", str(each["excerpt"])) for each in self.checks]
        return [
            FeedbackItem(number=number, heading=heading, text=text)
            for number, (heading, text) in enumerate([*said, *red], start=1)
        ]


async def recall_round(ctx: PhaseContext) -> RoundOrder | None:
    """The round that is ordered, as a recorded step; None when nothing is, as after a retry from an earlier phase."""

    async def look() -> JsonValue:
        async with ctx.services.database.read() as connection:
            order = await open_order(connection, ctx.adw_id, OrderKind.ROUND)
        return None if order is None else {**order.data, "number": order.number}

    recorded: Mapping[str, Any] | None = await ctx.step("round", look)
    if recorded is None:
        return None
    return RoundOrder(
        number=int(recorded["number"]),
        remarks=recorded.get("remarks", ()),
        checks=recorded.get("checks", ()),
        base=recorded.get("base"),
    )


async def answer_round(ctx: PhaseContext) -> None:
    """Before the end is judged: everybody who said something gets an answer, and what is done is marked as settled."""
    if ctx.phase not in {Phase.FINISH, Phase.SHIP} or Phase.RESPOND not in ctx.run.workflow.phases:
        return
    order = await recall_round(ctx)
    if order is None:
        return
    done: Mapping[str, Any] = await ctx.step("answers", lambda: _answers(ctx))
    settled: list[str] = []
    for number, remark in enumerate(order.remarks, start=1):
        if await _reply(ctx, order, remark, number=number, done=done):
            settled.append(str(remark["id"]))
    await _close(ctx, order, settled)


async def _answers(ctx: PhaseContext) -> JsonValue:
    """What the round's agent said, by the number of the item, and on which commit it left the branch."""
    async with ctx.services.database.read() as connection:
        workflow = await require_workflow(connection, ctx.adw_id)
        rows = await list_phases(connection, ctx.adw_id)
    ended = [row for row in rows if row.phase == Phase.RESPOND and row.status is PhaseStatus.COMPLETED]
    data: Mapping[str, Any] = ended[-1].data if ended else {}
    return {
        "pull": workflow.pr_number,
        "head": workflow.head_sha,
        "changed": bool(data.get("changed")),
        "answers": {str(each["item"]): each for each in data.get("answers", ())},
    }


async def _reply(
    ctx: PhaseContext,
    order: RoundOrder,
    remark: Mapping[str, Any],
    *,
    number: int,
    done: Mapping[str, Any],
) -> bool:
    """Answers one remark. Tells whether its thread is settled by it."""
    pull, key = int(done["pull"]), f"{ctx.adw_id}:round:{order.number}:{number}"
    answer: Mapping[str, Any] = done["answers"].get(str(number), {})
    is_done = answer.get("outcome") == "done" and bool(done["changed"])
    body = _reply_text(answer, head=str(done["head"]) if is_done else None)

    async def say() -> JsonValue:
        if remark["kind"] == "thread":
            await ctx.check_ownership()
            await ctx.run.forge.reply_to_thread(pull, thread_id=str(remark["id"]), body=body, key=key)
        else:
            quoted = f"{_quoted(str(remark['text']), str(remark['author']))}\n\n{body}"
            await ctx.check_ownership()
            await ctx.run.forge.upsert_comment(pull, body=quoted, key=key)
        return True

    async def settle() -> JsonValue:
        await ctx.check_ownership()
        await ctx.run.forge.resolve_thread(pull, thread_id=str(remark["id"]))
        return True

    said = await _try(ctx, f"reply.{number}", say)
    if not (said and is_done and remark["kind"] == "thread"):
        return False
    return bool(await _try(ctx, f"settle.{number}", settle))


async def _close(ctx: PhaseContext, order: RoundOrder, settled: Sequence[str]) -> None:
    async def work(connection: Connection) -> JsonValue:
        await settle_orders(connection, ctx.adw_id, OrderKind.ROUND)
        message = f"round {order.number} is answered: {len(order.remarks)} replies, {len(settled)} threads settled"
        data = {"round": order.number, "replies": len(order.remarks), "settled": list(settled)}
        event = NewEvent(type=EventType.COMMENT_POSTED, phase=ctx.phase, message=message, data=data)
        await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
        await note_resolved(connection, ctx.adw_id, settled)  # locks the watch, which comes after the workflow
        return None

    await ctx.transaction("answered", work)


async def _try(ctx: PhaseContext, name: str, work: Callable[[], Awaitable[JsonValue]]) -> Any:
    """Its result, or None when the forge refuses: an answer nobody can read is not worth failing work that is done."""

    async def attempt() -> JsonValue:
        try:
            return await work()
        except (FencedError, ForgeLimitError):
            raise
        except AdwError as error:
            _log.warning("answer_refused", what=name, reason=error.message)
            return None

    return await ctx.step(name, attempt)


def _reply_text(answer: Mapping[str, Any], *, head: str | None) -> str:
    said = str(answer.get("reply") or "").strip()[:MOST_REPLY_CHARS] or _UNANSWERED
    return f"{said}\n\nDone in {head[:12]}." if head is not None else said


def _quoted(text: str, author: str) -> str:
    lines = text.strip().splitlines()[:6]
    return "\n".join([f"> {author}:", *(f"> {line[:300]}" for line in lines)])


def _heading(remark: Mapping[str, Any]) -> str:
    author = f"`{_plain(remark['author'])}`"
    if remark["kind"] == "thread":
        place = _plain(remark["path"]) if remark["line"] is None else f"{_plain(remark['path'])}:{remark['line']}"
        return f"a thread on `{place}`, last by {author}"
    what = "a review that asks for changes" if remark["kind"] == "review" else "a request"
    return f"{what} by {author}"


def _plain(value: object) -> str:
    """One line that cannot end inline code."""
    return " ".join(str(value).replace("`", "'").split())[:200]
