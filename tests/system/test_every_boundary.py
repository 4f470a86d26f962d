"""Work whose worker dies at every boundary ends exactly as if none had: nothing lost, nothing twice, nothing left."""

from __future__ import annotations

from collections import Counter

import pytest
from courses import COURSES
from dying import differences, disturbed, outcome, undisturbed
from registry import effects, unreached

QUESTION = (
    "a question is one transaction and the end of its leg, whatever it asks: plans and mergers are asked for here"
)
GATE = "a gate is one transaction, whatever it found; this finding ends the work or passes over it"
TOLD = "one transaction that changes nothing but what is told"
EXCUSED = {
    "adoption adopt: ctx.require": QUESTION,
    "rounds_base _settle: ctx.require": QUESTION,
    "dependents from_present_base: ctx": "before anything else, and only a look and one transaction",
    "money wait_for_money: ctx.require": QUESTION,
    "waiting wait_for: ctx.transaction": QUESTION,
    "comments announce_waiting: _announce": "comments are one step by key, whatever they say",
    "merging merge: ctx.gate": GATE,
    "merging _verify: ctx.gate(_evidence(GateOutcome.FAILED": GATE,
    "phases/build _fail_empty: ctx.gate": GATE,
    "phases/custom _run_command: ctx.gate(found)": GATE,
    "phases/document _skip: ctx.gate": GATE,
    "phases/document _refused: ctx.gate": GATE,
    "phases/review _skip: ctx.gate": GATE,
    "phases/ship _record: ctx.gate(Evidence(gate='merge'": GATE,
    "phases/test _e2e: ctx.gate": GATE,
    "phases/test _tests: ctx.gate": GATE,
    "proof prove_head: ctx.gate": GATE,
    "saving save: ctx.gate(Evidence(gate='secrets', outcome=GateOutcome.FAILED": GATE,
    "phases/review _tell_of_contradiction: ctx.update": TOLD,
}
"""Places no course comes to, by how their call begins."""
EXCUSED_EFFECTS = {
    "count_as_published": "it only says what `publish` may replace, and is followed by that",
    "prepare_remote": "it brings a base commit again for work that waited for other work, and comes before all else",
}

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_work_whose_worker_dies_at_every_boundary_ends_as_if_none_had(scene):
    had, sites = set(), set()
    for course in COURSES:
        scene.model.follow(course.script)
        expected = await undisturbed(scene, course)
        asked = requests(scene)
        assert tuple(expected["workflow"][i] for i in (0, 2)) == course.ends, expected
        scene.model.follow(course.script)
        tries, trail, deaths = await disturbed(scene, course, had=had)
        had.update(trail.lines("died"))
        sites.update(trail.lines("site"))
        print(f"{course.name}: {deaths} workers died")
        for each in tries:
            different = differences(expected, await outcome(scene, each))
            assert not different, "\n".join(f"{name}: {said}" for name, said in different.items())
        died_at_each_step(expected["steps"], had)
        never_ran_again(trail)
        asked_again(scene, deaths, Counter({who: count * course.copies for who, count in asked.items()}))
        await scene.nothing_survives()
    everything_was_taken(sites, had)


def everything_was_taken(sites, had):
    """Each place in the code that takes a step, and each effect it has, was died at, or is excused."""
    assert [place for place in unreached(sites) if not place.startswith(tuple(EXCUSED))] == []
    died_at = {name.rpartition("/")[2] for name in had if "/" in name}
    assert effects() - died_at - EXCUSED_EFFECTS.keys() == set()


def requests(scene):
    return Counter(entry.role for entry in scene.model.journal.entries)


def asked_again(scene, deaths, asked):
    """A death breaks off one request of a conversation at most; that none is begun anew is part of the outcome."""
    more = requests(scene) - asked
    assert sum(more.values()) <= deaths, more


def died_at_each_step(steps, had):
    missed = [
        f"{when} {name}"
        for name in steps
        for when in ("before", "unrecorded", "recorded")
        if f"{when} {name}" not in had
    ]
    assert not missed


def never_ran_again(trail):
    """What is recorded is never done again."""
    kept = set()
    for line in trail.file.read_text().splitlines():
        word, _, name = line.partition(" ")
        if word == "kept":
            kept.add(name)
        assert not (word == "ran" and name in kept), name
