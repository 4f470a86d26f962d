"""What a step's record keeps of an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from adw.engine.errors import StepFailedError
from adw.engine.outcomes import failure, unwrap
from adw.kit.errors import ForgeLimitError, NotFoundError


def raised(record):
    with pytest.raises(Exception) as caught:
        unwrap(json.loads(json.dumps(record)))
    return caught.value


def test_an_error_is_raised_again_with_its_class_message_hint_and_facts():
    until = datetime(2026, 3, 1, 12, tzinfo=UTC)
    again = raised(failure(ForgeLimitError("no more", hint="wait", until=until)))
    assert (type(again), again.message, again.hint, again.until) == (ForgeLimitError, "no more", "wait", until)
    assert raised(failure(ForgeLimitError("no more"))).until is None


def test_a_record_of_an_earlier_version_has_no_facts():
    again = raised({"error": {"type": "NotFoundError", "message": "gone", "hint": None}})
    assert (type(again), again.facts) == (NotFoundError, {})


def test_an_error_nobody_knows_any_more_is_still_an_error_of_ours():
    assert isinstance(raised({"error": {"type": "VanishedError", "message": "what"}}), StepFailedError)
