"""What a reviewer finds, and what becomes of it from round to round."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters; only a blocker keeps work from going on."""

    SKIPPABLE = "skippable"
    TECH_DEBT = "tech_debt"
    BLOCKER = "blocker"
