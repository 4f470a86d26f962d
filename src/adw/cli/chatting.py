"""Talking in a terminal: what is asked, what is done meanwhile, the answer, what it took, and what came unasked."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from adw.cli.output import dollars, one_line, printable, say, wants_colour

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import ChatEntryDict, HistoryDict, OrchestratorDict

LOOK_S = 0.2
NEWS_S = 2.0
INTERRUPTED_S = 10.0
"""How long the end of what was interrupted is waited for."""

UNHEARD_S = 10.0
"""After so long a person is told that nobody has taken up what they said."""

_PAGE = 200
_SHOWN = 160
_HELP = """/reset    begin anew: it forgets what was said
/cost     what it has used, and how full the conversation is
/history  what was said
/help     this
/quit     leave; what was started goes on"""


class Talk:
    """One person's side of the conversation. Remembers up to where it was read, so that nothing is missed."""

    def __init__(
        self, client: AdwClient, *, show: Callable[[ChatEntryDict], None], patience_s: float = UNHEARD_S
    ) -> None:
        self._client = client
        self._patience_s = patience_s
        self._show = show
        self._seen = client.chat_history(limit=1)["nextCursor"]
        self._line = _StatusLine()

    def ask(self, message: str) -> ChatEntryDict:
        """Says it and shows what is done meanwhile; returns the entry that answers it."""
        return self.answer_to(self._client.chat(message)["messageId"])

    def answer_to(self, turn: int) -> ChatEntryDict:
        """What ends the turn, once it is there. Whoever waits may press Ctrl-C."""
        began = time.monotonic()
        wonders = True
        try:
            while True:
                page = self._client.chat_history(after=self._seen, limit=_PAGE)
                if (found := self._read(page, turn)) is not None:
                    return found
                if wonders and time.monotonic() - began > self._patience_s:
                    wonders = False
                    self._wonder()
                if not page["entries"]:
                    self._line.tell(f"  at it for {time.monotonic() - began:.0f} s, Ctrl-C interrupts")
                    time.sleep(LOOK_S)
        finally:
            self._line.clear()

    def interrupt(self) -> None:
        """Ends what is being done, and shows how."""
        turn = self._client.interrupt_chat()["turnId"]
        until = time.monotonic() + INTERRUPTED_S
        while turn is not None and time.monotonic() < until:
            found = self._read(self._client.chat_history(after=self._seen, limit=_PAGE), turn)
            if found is not None:
                return say(found["message"])
            time.sleep(LOOK_S)
        return say("(interrupted)" if turn is not None else "(nothing was being done)")

    def news(self) -> bool:
        """Shows what came unasked; whether there was anything."""
        page = self._client.chat_history(after=self._seen, limit=_PAGE)
        self._read(page, None)
        return any(entry["kind"] in {"answer", "notice"} for entry in page["entries"])

    def _wonder(self) -> None:
        """Says so when nobody has taken up what was said."""
        if self._client.chat_metrics()["status"] != "executing":
            self._line.clear()
            say(
                "  no worker has taken this up yet; one is started by `adw serve` (without --no-worker) or `adw worker`"
            )

    def _read(self, page: HistoryDict, turn: int | None) -> ChatEntryDict | None:
        for entry in page["entries"]:
            self._seen = entry["seq"]
            mine = entry["turnId"] == turn and turn is not None
            if mine and entry["kind"] == "answer":
                return entry
            if mine and entry["kind"] != "message":
                self._line.clear()
                self._show(entry)
            elif not mine and entry["kind"] in {"answer", "notice"}:
                self._line.clear()
                say(f"[{'unasked' if entry['kind'] == 'answer' else 'note'}] {printable(entry['message'])}")
        return None


def converse(client: AdwClient, *, history: Callable[[], None], metrics: Callable[[], None]) -> None:
    """Until the person leaves. `history` and `metrics` print what `/history` and `/cost` ask for."""
    say("Talk to the orchestrator. Ctrl-C interrupts it, Ctrl-D leaves, /help tells more.")
    talk = Talk(client, show=print_step)
    orders = {
        "/history": history,
        "/cost": metrics,
        "/help": lambda: say(_HELP),
        "/reset": lambda: _reset(client, talk),
    }
    while (words := _next_words(talk)) is not None:
        if words == "/quit":
            return
        if words in orders:
            orders[words]()
        elif words.startswith("/"):
            say(f"there is no {one_line(words, width=40)} here\n{_HELP}")
        elif words:
            _exchange(client, talk, words)


def print_step(entry: ChatEntryDict) -> None:
    """What is done on the way to an answer, on standard error; the answer itself goes to standard output."""
    match entry["kind"]:
        case "tool_use":
            given = ", ".join(f"{name}={value}" for name, value in entry["metadata"].get("input", {}).items())
            say(f"  {entry['message'].removeprefix('mcp__adw__')}({one_line(given, width=_SHOWN)})")
        case "tool_result":
            say(f"    {one_line(entry['message'], width=_SHOWN)}")
        case "thinking":
            say(f"  ({one_line(entry['message'], width=_SHOWN)})")
        case _:
            say(f"  {one_line(entry['message'], width=_SHOWN)}")


def footing(entry: ChatEntryDict, now: OrchestratorDict) -> str:
    """What an answer cost, and what the conversation has come to."""
    cost = dollars(float(entry["metadata"].get("costUsd", 0)))
    month = f"{dollars(now['spentThisMonthUsd'])} of {dollars(now['budgetUsd'])} this month"
    return f"  ({cost}, {month}; context {now['contextPercent']} %)"


def _exchange(client: AdwClient, talk: Talk, words: str) -> None:
    try:
        answer = talk.ask(words)
    except KeyboardInterrupt:
        return talk.interrupt()
    print(printable(answer["message"]), flush=True)
    return say(footing(answer, client.chat_metrics()))


def _reset(client: AdwClient, talk: Talk) -> None:
    client.reset_chat()
    talk.news()  # a notice tells of it


def _next_words(talk: Talk) -> str | None:
    """What is typed next; None at the end. Meanwhile a terminal shows what comes unasked."""
    try:
        if sys.stdin.isatty():
            _prompt()
            while not select.select([sys.stdin], [], [], NEWS_S)[0]:
                if talk.news():
                    _prompt()
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        return None


def _prompt() -> None:
    sys.stderr.write("> ")
    sys.stderr.flush()


class _StatusLine:
    """A line below everything that says how long it takes; only on a terminal."""

    def __init__(self) -> None:
        self._wanted = wants_colour(sys.stderr)
        self._shown = False

    def tell(self, text: str) -> None:
        if self._wanted:
            sys.stderr.write(f"\r\x1b[2m{text}\x1b[0m\x1b[K")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
