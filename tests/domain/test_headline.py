from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.events import EventType
from adw.domain.headline import HEADLINE_CHARS, headline

DATA = st.dictionaries(st.sampled_from(["gate", "outcome", "role", "isError", "head_sha"]), st.text(max_size=300))


def line(kind: EventType, message: str = "", *, phase: str | None = None, **data: object) -> str:
    return headline(kind, phase=phase, message=message, data=data)


@pytest.mark.parametrize("kind", EventType)
def test_every_type_of_event_has_one_even_when_nothing_was_said(kind: EventType):
    assert line(kind).strip()
    assert line(kind, phase="build").strip()


@given(kind=st.sampled_from(EventType), message=st.text(max_size=2000), data=DATA)
def test_it_is_one_short_line_and_always_the_same(kind, message, data):
    found = headline(kind, phase="plan", message=message, data=data)
    assert found == headline(kind, phase="plan", message=message, data=data)
    assert 0 < len(found) <= HEADLINE_CHARS
    assert "\n" not in found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (line(EventType.WORKFLOW_STARTED, "started"), "started"),
        (line(EventType.WORKFLOW_FAILED, "no disk"), "workflow failed: no disk"),
        (line(EventType.PHASE_FAILED, "no\n  disk", phase="build"), "build failed: no disk"),
        (line(EventType.PHASE_STARTED, phase="build"), "build: phase started"),
        (
            line(EventType.GATE_PASSED, "3 of 3", gate="tests", outcome="not_applicable"),
            "gate tests not applicable: 3 of 3",
        ),
        (line(EventType.GATE_FAILED, "1 failed", gate="tests"), "gate tests failed: 1 failed"),
        (line(EventType.WORKFLOW_UPDATED, head_sha="a", branch_name="b"), "changed: head sha, branch name"),
        (line(EventType.WORKFLOW_UPDATED, "", a=1, b=1, c=1, d=1, e=1, f=1), "changed: a, b, c, d, e and 1 more"),
        (line(EventType.AGENT_TEXT, "I see.\nOh.", role="planner"), "planner: I see. Oh."),
        (line(EventType.AGENT_THINKING, "Hm.", role="planner"), "planner thinks: Hm."),
        (line(EventType.AGENT_TOOL_USE, "Read a.py", role="planner"), "planner: Read a.py"),
        (line(EventType.AGENT_TOOL_RESULT, "", role="planner"), "planner got: (nothing)"),
        (line(EventType.AGENT_TOOL_RESULT, "no file", isError=True), "agent got an error: no file"),
    ],
)
def test_a_word_stands_in_front_of_what_needs_one(found: str, expected: str):
    assert found == expected
