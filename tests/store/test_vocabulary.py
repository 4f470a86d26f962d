"""The words the database allows are those of the rules, and the catalogue is what the migrations build."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest
from sqlalchemy import CheckConstraint, text

from adw.domain.agent import ModelSet
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.channels import ChannelKind
from adw.domain.failure import FailureClass
from adw.domain.kinds import PHASE_WORDS
from adw.domain.notifications import DeliveryState
from adw.domain.phase import GateOutcome, PhaseStatus
from adw.domain.project import ForgeKind
from adw.domain.status import PrState, Status, WaitReason
from adw.domain.triggers import Outcome, TriggerSource
from adw.store.metadata import metadata
from adw.store.tables import catalogue  # noqa: F401 # makes every table known

WORDS = {
    ("projects", "forge"): ForgeKind,
    ("adw_workflows", "status"): Status,
    ("adw_workflows", "wait_reason"): WaitReason,
    ("adw_workflows", "paused_from"): Status,
    ("adw_workflows", "pr_state"): PrState,
    ("adw_workflows", "model_set"): ModelSet,
    ("adw_workflows", "failure_class"): FailureClass,
    ("adw_phases", "status"): PhaseStatus,
    ("adw_evidence", "outcome"): GateOutcome,
    ("adw_approvals", "kind"): ApprovalKind,
    ("adw_approvals", "decision"): Decision,
    ("notification_channels", "kind"): ChannelKind,
    ("notification_deliveries", "state"): DeliveryState,
    ("webhook_deliveries", "source"): TriggerSource,
    ("webhook_deliveries", "outcome"): Outcome,
}
CHECK = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = CAST(:table AS regclass) AND conname = :name
"""


@pytest.fixture
def definition(database):
    async def read(table: str, column: str) -> str:
        async with database.read() as connection:
            name = f"ck_{table}_{column}_known"
            return (await connection.execute(text(CHECK), {"table": table, "name": name})).scalar_one()

    return read


async def test_the_migrated_checks_name_exactly_the_words_of_the_rules(definition):
    for (table, column), words in WORDS.items():
        allowed = set(re.findall(r"'([a-z_]+)'", await definition(table, column)))
        assert allowed == {str(word) for word in words}, (table, column)


def test_every_check_of_known_words_in_the_catalogue_is_looked_at_here_or_has_no_enum():
    known = {
        (table.name, str(check.name).removeprefix(f"ck_{table.name}_").removesuffix("_known"))
        for table in metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint) and str(check.name).endswith("_known")
    }
    assert set(WORDS) <= known
    assert all(issubclass(words, StrEnum) for words in WORDS.values())


def test_the_phase_column_takes_what_phases_say_of_themselves():
    form = re.compile(r"[a-z][a-z0-9_:-]*")
    for words in PHASE_WORDS.values():
        assert form.fullmatch(words.running)
        assert form.fullmatch(words.done)
