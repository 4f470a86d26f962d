"""Requests to models for one whole job, beside those the predecessor's list of conversations makes at the least.

The predecessor is counted on paper, in its favour: where a conversation of its does the same work as one of ours it
gets our number, and beyond that one request for an answer without tools, one more for each tool its instructions
cannot do without (reading the plan or the specification, looking at the diff, running a command).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.context import Context
from benchmarks.ready import ADW
from benchmarks.results import Figure, Measure, Table


@dataclass(frozen=True, slots=True)
class Then:
    """One of the predecessor's conversations: its own requests, beside those of ours that does the same work."""

    name: str
    requests: int
    times: int = 1


PREDECESSOR: Mapping[str, Sequence[Then]] = {
    "plan": (
        Then("name the branch", 2),
        Then("install into the worktree", 2),
        Then("plan: reads the readme and its conditions", 2),
        Then("commit", 2),
        Then("open the pull request", 2),
    ),
    "build": (Then("implement: reads the plan", 1), Then("commit", 2)),
    "test": (Then("run the tests", 2, times=2), Then("resolve", 0), Then("commit", 2)),
    "review": (
        Then("review: reads diff and specification", 2, times=2),
        Then("plan the patch", 2),
        Then("implement the patch: reads its plan", 1),
        Then("commit", 2, times=2),
    ),
    "document": (Then("document: reads diff and specification", 2), Then("track figures", 2), Then("commit", 2)),
    "ship": (),
}
_CLASSIFIES = 1


def measure(context: Context) -> Figure:
    found = [_play() for _ in range(context.repetitions(2, quick=1))]
    ours = [float(each["usage"]["requests"]) for each in found]
    rows = list(_rows(found[0]["phases"]))
    theirs = float(sum(row[3] for row in rows))
    tokens = [float(each["usage"]["inputTokens"]) for each in found]
    return Figure(
        title="Requests to models",
        setting="The demonstration from issue to merge, once with all that can go wrong in it: a test broken and "
        "repaired, a blocker found and put right. The predecessor's numbers are counted on paper, in its favour.",
        measures=[
            Measure(name="requests", unit="", samples=ours, baseline=[theirs],
                    baseline_name="predecessor, at the least", goal_at_most=theirs / 2),
            Measure(name="conversations", unit="", samples=[float(sum(row[2] for row in rows))],
                    baseline=[float(sum(row[4] for row in rows))], baseline_name="predecessor"),
            Measure(name="input tokens", unit="", samples=tokens),
        ],
        tables=[
            Table(
                title="By phase",
                columns=("phase", "requests", "conversations", "theirs: requests", "conversations", "input tokens"),
                rows=rows,
            )
        ],
    )  # fmt: skip


_CONVERSATIONS = {"plan": 2, "build": 1, "test": 1, "review": 3, "document": 1, "ship": 0}


def _play() -> dict[str, Any]:
    done = subprocess.run([*ADW, "demo", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _rows(phases: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, int, int, int, int, int]]:
    """Ours as they were counted by the gateway; the predecessor's are ours plus what it needs besides."""
    rows: list[tuple[str, int, int, int, int, int]] = []
    for phase in phases:
        name, ours = str(phase["name"]), int(phase["requests"])
        then = PREDECESSOR[name]
        theirs = ours + sum(each.requests * each.times for each in then)
        talks = sum(each.times for each in then) + (_CLASSIFIES if name == "plan" else 0)
        rows.append((name, ours, _CONVERSATIONS[name], theirs, talks, int(phase["inputTokens"])))
    return rows
