from __future__ import annotations

from typing import Any

import pytest

from adw.cli.people import status_of


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "active", "waitReason": None}, "active"),
        ({"waitReason": "approval"}, "waiting (approval)"),
        ({"waitReason": "budget", "waitScope": "project_month"}, "waiting (budget: project month)"),
        (
            {"waitReason": "usage_limit", "waitScope": "c/", "resumeAt": "2026-05-01T03:04:05.678Z"},
            "waiting (usage_limit until 2026-05-01 03:04:05 UTC)",
        ),
        (
            {"status": "queued", "waitReason": None, "queuedBecause": {"detail": "waiting for a slot (3 of 3 in use)"}},
            "queued: waiting for a slot (3 of 3 in use)",
        ),
    ],
)
def test_a_status_tells_what_is_waited_for_and_until_when(changes: dict[str, Any], words: str) -> None:
    usual = {"status": "waiting", "heldBy": None, "queuedBecause": None, "resumeAt": None, "waitScope": None}
    view: Any = usual | changes
    assert status_of(view) == words
