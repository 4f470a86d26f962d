from __future__ import annotations

import re

import pytest

from adw.domain.failure import POLICIES, Failure, FailureClass


def test_every_class_has_a_policy():
    assert set(POLICIES) == set(FailureClass)


@pytest.mark.parametrize("failure_class", list(FailureClass))
def test_every_class_tells_a_person_what_to_do(failure_class):
    policy = POLICIES[failure_class]
    assert 0 <= policy.automatic_retries <= 2
    assert policy.advice[0].isupper()
    assert not policy.advice.endswith(".")
    actions = Failure(failure_class=failure_class, message="m").next_actions("0a1b2c3d")
    assert actions
    assert all(action.startswith("adw ") and "{" not in action for action in actions)
    assert all(
        "0a1b2c3d" in action or "{id}" not in command for action, command in zip(actions, policy.commands, strict=True)
    )


def test_sentences_are_told_apart():
    sentences = [policy.advice for policy in POLICIES.values()]
    assert len(set(sentences)) == len(sentences)


def test_what_a_person_decided_or_configured_is_never_repeated_by_itself():
    for failure_class in ("configuration", "cancelled", "budget_exceeded", "gate_failed", "conflict", "internal"):
        assert POLICIES[FailureClass(failure_class)].automatic_retries == 0


def test_class_names_are_fit_for_columns_and_wires():
    assert all(re.fullmatch(r"[a-z_]+", each) for each in FailureClass)
