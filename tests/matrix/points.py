"""Where a fault may strike: every boundary of the whole way, and places inside of steps."""

from __future__ import annotations

from script import (
    BUILT,
    adds_farewell,
    answer,
    blocks,
    builds,
    classifies,
    documents,
    plans,
    reviews,
    rule,
    say,
    scenario,
    shell,
)

FOREVER_MS = 300_000
STREAM, TOOL, TESTS, PUSH = "inside an answer", "inside a tool", "inside the tests", "inside a push"
INSIDE = (STREAM, TOOL, TESTS, PUSH)


WAIT = "mkdir -p build; touch build/reached; until [ -e build/go ]; do sleep 0.02; done"
"""In the worktree, since commands see nothing else, and where git does not look."""


def script(point):
    """The whole way; at some points the implementor, or its command, takes its time until a file says otherwise."""
    usual = (classifies(), plans(), reviews(), documents())
    waits = shell(WAIT)
    begins = blocks({"text": "I begin"}, *adds_farewell()["blocks"])
    resumed = rule("resumed", answer(BUILT), role="implementor", turn=2, any_text="I begin")
    if point == TOOL:
        return scenario(*usual, resumed, rule("begun", begins, waits, answer(BUILT), role="implementor"))
    if point == STREAM:
        silent = rule("begun", begins, say("Well,", turn_ms=FOREVER_MS), role="implementor", turn=1)
        return scenario(*usual, resumed, silent)
    return scenario(*usual, builds(adds_farewell()))


def files(point):
    """What the repository holds beside the usual: tests that take their time once, on the work and not on the base."""
    if point != TESTS:
        return {}
    return {"checks/waits.sh": f"if [ -e farewell.txt ] && mkdir build/once 2>/dev/null; then {WAIT}; fi\n"}
