"""A workflow's events as a person or a program reads them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from adw.cli.output import print_json
from adw.cli.progress import describe
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import EventDict, EventPageDict

_PAGE = 1000


def print_events(adw_id: str, *, as_json: bool) -> None:
    """Everything up to now."""
    with connect() as client:
        found = _all_events(client, adw_id)
    if as_json:
        print_json(found)
        return
    for event in found["events"]:
        _print_line(event)


def follow_events(adw_id: str, *, as_json: bool) -> None:
    """Everything up to now and what happens then, until the workflow has ended."""
    with connect() as client:
        for event in client.stream_events(adw_id):
            if as_json:
                sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
            else:
                _print_line(event)
            sys.stdout.flush()


def _all_events(client: AdwClient, adw_id: str) -> EventPageDict:
    page = client.events(adw_id, limit=_PAGE)
    events = page["events"]
    while page["nextCursor"] is not None:
        page = client.events(adw_id, after=page["nextCursor"], limit=_PAGE)
        events = [*events, *page["events"]]
    return {"events": events, "lastSeq": page["lastSeq"], "nextCursor": None}


def _print_line(event: EventDict) -> None:
    text = describe(event, everything=True)
    print(f"{event['timestamp'][11:19]}  {text}")
