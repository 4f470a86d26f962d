"""A workflow's events as a person or a program reads them."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adw.cli.output import print_json, printable, say
from adw.cli.session import connect
from adw.cli.watch import answer_lines, exit_code_of, needs_person, watch
from adw.domain.events import EventType
from adw.kit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import EventDict, EventPageDict

_PAGE = 1000
_INDENTED = {each.value: "  " for each in EventType if not each.startswith(("workflow_", "phase_started"))}
"""What happens within a phase stands below its beginning."""


def read_types(given: Sequence[str]) -> tuple[str, ...]:
    """Types of events, each word one or several with commas between. Raises UsageError with the nearest right one."""
    names = [name for word in given for name in word.replace(" ", "").split(",") if name]
    known = [each.value for each in EventType]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"types are {', '.join(known)}"
            raise UsageError(f"{name!r} is not a type of event", hint=hint)
    return tuple(dict.fromkeys(names))


def print_events(adw_id: str, *, after: int, types: Sequence[str], as_json: bool) -> None:
    """Everything up to now."""
    with connect() as client:
        found = _all_events(client, adw_id, after=after, types=types)
    if as_json:
        print_json(found)
        return
    for event in found["events"]:
        _print_line(event)


def follow_events(
    adw_id: str,
    *,
    after: int,
    types: Sequence[str],
    as_json: bool,
    connecting: Callable[[], AdwClient] = connect,
) -> ExitCode:
    """Everything up to now and what happens then, until the workflow has ended or waits for a person."""
    with connecting() as client:  # an id that does not exist is refused here, and the short one is looked up once
        adw_id = client.get_workflow(adw_id)["adwId"]
    view = watch(connecting, adw_id, _Lines(as_json=as_json), after=after, types=types)
    if needs_person(view):
        say(f"workflow {adw_id} waits for you:")
        for line in answer_lines(view):
            say(f"  {line}")
    return exit_code_of(view)


class _Lines:
    """Prints each event as it comes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def event(self, event: EventDict, /) -> None:
        if self._as_json:
            sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
        else:
            _print_line(event)
        sys.stdout.flush()

    def note(self, text: str, /) -> None:
        say(text)

    def cost(self, cost_usd: object, /) -> None:
        """Not told: lines are about what happened."""


def _all_events(client: AdwClient, adw_id: str, *, after: int, types: Sequence[str]) -> EventPageDict:
    page = client.events(adw_id, after=after, limit=_PAGE, types=types)
    events = page["events"]
    while page["nextCursor"] is not None:
        page = client.events(adw_id, after=page["nextCursor"], limit=_PAGE, types=types)
        events = [*events, *page["events"]]
    return {"events": events, "lastSeq": page["lastSeq"], "nextCursor": None}


def _print_line(event: EventDict) -> None:
    print(f"{event['timestamp'][11:19]}  {_INDENTED.get(event['type'], '')}{printable(event['summary'])}")
