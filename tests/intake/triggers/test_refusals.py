"""The table of reasons in the documentation is the list of reasons in the code, and each has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adw.domain.triggers import Outcome, Why

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/concepts/triggers.md"
TESTED_IN = (
    "tests/intake/triggers",
    "tests/forge/github/webhooks",
    "tests/api/test_webhooks.py",
    "tests/worker/test_poller.py",
)


def _sources() -> str:
    paths = [ROOT / place for place in TESTED_IN]
    files = [file for path in paths for file in ([path] if path.suffix else sorted(path.glob("*.py")))]
    return "".join(file.read_text() for file in files)


@pytest.mark.parametrize("why", Why)
def test_every_reason_is_explained(why: Why):
    assert re.search(rf"^\| `{why}` \|", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_explained(outcome: Outcome):
    assert f"`{outcome}`" in PAGE.read_text()


def test_the_page_explains_no_reason_there_is_not():
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert explained - set(Why) - {outcome.value for outcome in Outcome} == set()


def test_every_reason_has_a_test():
    text = _sources()
    assert [why for why in Why if f"Why.{why.name}" not in text] == []
