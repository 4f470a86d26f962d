"""The recorded output of real tools."""

from __future__ import annotations

from pathlib import Path

from adw.domain.testing import TestResult, Unreadable

RECORDED = Path(__file__).parent / "recorded"


def recorded(path: str) -> str:
    return (RECORDED / path).read_text(encoding="utf-8")


def summary(found: tuple[TestResult, ...] | Unreadable) -> dict[str, str]:
    assert not isinstance(found, Unreadable), found
    return {result.test_id: result.status.value for result in found}


def errors(found: tuple[TestResult, ...] | Unreadable) -> dict[str, str]:
    assert not isinstance(found, Unreadable), found
    return {result.test_id: result.error for result in found if result.error is not None}


def reason(found: tuple[TestResult, ...] | Unreadable) -> str:
    assert isinstance(found, Unreadable), found
    return found.reason
