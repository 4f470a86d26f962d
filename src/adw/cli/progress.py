"""What a person sees while a workflow runs: one line for each thing that happens, and on a terminal a status line."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from adw.cli.output import dollars, duration, one_line, wants_colour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_SILENT = frozenset({"agent_thinking", "agent_text", "workflow_queued", "workflow_updated", "comment_posted"})
_STYLES = {
    "phase_started": "bold cyan",
    "phase_completed": "green",
    "phase_failed": "bold red",
    "gate_passed": "green",
    "gate_failed": "red",
    "workflow_completed": "bold green",
    "workflow_failed": "bold red",
    "workflow_waiting": "bold yellow",
    "approval_requested": "bold yellow",
    "budget_warning": "yellow",
    "worker_lost": "yellow",
    "error": "red",
}
_DETAIL_KEYS = ("command", "file_path", "path", "pattern", "url", "description", "prompt")
_WORKTREE = re.compile(r"/\S*/trees/[0-9a-f]{8}/")
"""Said of every file an agent touches, and of no use to the reader."""
_WIDTH = 88


class Progress:
    """Shows events on standard error; times are counted from `started` (monotonic), now when left out."""

    def __init__(self, *, started: float | None = None) -> None:
        self._started = time.monotonic() if started is None else started
        self._phase = "queued"
        self._cost: object = 0
        self._console: Console | None = None
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if wants_colour(sys.stderr):
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
            self._status = self._console.status(self._state())
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def event(self, event: Mapping[str, Any]) -> None:
        """Shows one event, unless it is of a kind that says little."""
        if event["type"] == "phase_started":
            self._phase = str(event.get("phase") or self._phase)
        if (text := describe(event)) is not None:
            self._line(event["type"], text)
        self._refresh()

    def note(self, text: str) -> None:
        """A sentence of our own among the events."""
        self._line("note", text)

    def cost(self, cost_usd: object) -> None:
        """What has been spent so far, in US dollars."""
        self._cost = cost_usd
        self._refresh()

    def _line(self, kind: str, text: str) -> None:
        stamp = f"{time.monotonic() - self._started:7.1f}s"
        if self._console is None:
            print(f"{stamp}  {text}", file=sys.stderr, flush=True)
            return
        from rich.text import Text

        self._console.print(Text(f"{stamp}  ", style="bright_black") + Text(text, style=_STYLES.get(kind, "")))

    def _refresh(self) -> None:
        if self._status is not None:
            self._status.update(self._state())

    def _state(self) -> str:
        elapsed = duration((time.monotonic() - self._started) * 1000)
        return f"{self._phase} · {dollars(self._cost)} · {elapsed}"


def describe(event: Mapping[str, Any]) -> str | None:
    """An event as a line of text; None for one that is not worth a line."""
    kind, message = str(event["type"]), one_line(event.get("message"), width=_WIDTH)
    data: Mapping[str, Any] = event.get("data") or {}
    if kind in _SILENT and "queuedBecause" not in data:
        return None
    if kind == "agent_tool_use":
        return f"    {data.get('role') or 'agent'}: {_action(data)}"
    if kind == "agent_tool_result":
        return f"      failed: {message}" if data.get("isError") else None
    if kind.startswith("gate_"):
        return f"  gate {data.get('gate') or ''}: {message}".replace("gate : ", "gate: ")
    indented = kind.startswith(("agent_", "phase_progress"))
    return f"  {message or kind}" if indented else (message or kind.replace("_", " "))


def _action(data: Mapping[str, Any]) -> str:
    tool = str(data.get("tool") or "tool")
    given = data.get("input")
    if not isinstance(given, Mapping):
        return tool
    known = cast("Mapping[str, Any]", given)
    detail = next((str(known[key]) for key in _DETAIL_KEYS if known.get(key)), "")
    return f"{tool} {one_line(_WORKTREE.sub('', detail), width=_WIDTH)}".rstrip()
