"""`adw trigger` and `adw schedule`: what a person reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from adw.cli.commands.schedule import print_schedules
from adw.cli.commands.trigger import print_triggers, reference_of

TRIGGER: dict[str, Any] = {
    "id": 12,
    "source": "webhook",
    "event": "issues.labeled",
    "outcome": "refused",
    "reason": "not_permitted",
    "detail": "sam has read permission here",
    "repository": "octo/shop",
    "projectId": "octo-shop-1",
    "sender": "sam",
    "number": 7,
    "adwId": None,
    "times": 1,
    "attempts": 1,
    "receivedAt": "2026-11-23T10:00:00.123456Z",
    "settledAt": None,
}
SCHEDULE: dict[str, Any] = {
    "id": "1a2b3c4d",
    "projectId": "octo-shop-1",
    "cron": "0 3 * * 1",
    "zone": "Europe/Berlin",
    "prompt": "Update\nthe dependencies",
    "workflowType": None,
    "isFromFile": False,
    "createdBy": "ann",
    "dueAt": "2026-11-30T02:00:00Z",
    "lastDueAt": None,
    "createdAt": "2026-11-23T10:00:00Z",
}


def triggers(*found: dict[str, Any], more: bool = False) -> None:
    print_triggers(cast("Any", {"triggers": list(found), "nextCursor": "12" if more else None}))


def test_a_refusal_is_shown_with_who_wanted_what_where_and_why_not(capsys: pytest.CaptureFixture[str]):
    triggers(TRIGGER)
    _, row = capsys.readouterr().out.splitlines()
    for part in ("2026-11-23 10:00:00", "octo/shop#7", "sam", "refused", "not_permitted: sam has read permission"):
        assert part in row


def test_what_was_started_is_shown_by_its_id_and_repetitions_are_counted(capsys: pytest.CaptureFixture[str]):
    started = {"outcome": "started", "reason": None, "detail": "plan by label", "adwId": "1a2b3c4d", "times": 3}
    triggers(TRIGGER | started | {"number": None, "repository": None, "sender": None}, more=True)
    said = capsys.readouterr()
    assert "started (3 times)" in said.out
    assert "1a2b3c4d" in said.out
    assert "--limit" in said.err


def test_nothing_yet_says_where_to_read_on(capsys: pytest.CaptureFixture[str]):
    triggers()
    said = capsys.readouterr()
    assert "triggers.md" in said.out + said.err


def test_schedules_are_shown_with_their_next_moment(capsys: pytest.CaptureFixture[str]):
    print_schedules([cast("Any", SCHEDULE)])
    _, row = capsys.readouterr().out.splitlines()
    for part in ("1a2b3c4d", "0 3 * * 1", "Europe/Berlin", "2026-11-30 02:00", "ann", "Update the dependencies"):
        assert part in row


def test_a_folder_is_named_by_its_repository_and_anything_else_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "shop/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    assert reference_of(None) is None
    assert reference_of("octo/shop") == "octo/shop"
    assert reference_of("shop") == "shop"
    assert reference_of(".") == str(tmp_path / "shop")
