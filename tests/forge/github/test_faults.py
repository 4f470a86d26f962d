"""Each effect, with trouble at each request it takes: it happens, and it happens once."""

from __future__ import annotations

import inspect

import httpx
import pytest
from tests.forge.github.effects import EFFECTS, Effect, Scene, another
from tests.forge.github.stage import GitHubStage
from tests.forge.github.trouble import TROUBLES, Trouble, TroubledNetwork

from adw.forge.github import GitHubForge

READING = {
    "branch_head",
    "branch_rules",
    "check_log",
    "diff",
    "find_merge_on_base",
    "find_pull_request",
    "get_issue",
    "get_pull_request",
    "list_checks",
    "list_comments",
    "list_issues",
    "list_pull_requests",
    "list_reviews",
    "list_threads",
    "ourselves",
    "permission_of",
}
ONCE_BY_NATURE = {"enable_auto_merge", "disable_auto_merge"}
"""They say how things shall be; nobody sees them happen twice."""


def test_every_method_is_a_reading_or_an_effect():
    methods = {name for name, _ in inspect.getmembers(GitHubForge, inspect.isfunction) if not name.startswith("_")}
    assert methods == READING | ONCE_BY_NATURE | EFFECTS.keys()


@pytest.mark.parametrize("name", EFFECTS)
async def test_trouble_at_any_request_leaves_one_effect(stage: GitHubStage, name: str):
    effect = EFFECTS[name]
    asked = await _run(stage, effect, None, at=0)
    for at, request in enumerate(asked, start=1):
        if not request.startswith("READ"):  # those are asked again in one place, whatever for
            for trouble in TROUBLES:
                await _run(stage, effect, trouble, at=at)


@pytest.mark.parametrize("name", EFFECTS)
async def test_answers_from_a_moment_ago_leave_one_effect(stage: GitHubStage, name: str):
    effect = EFFECTS[name]
    fresh = another(stage)
    scene = Scene(stage=fresh, forge=fresh.connected(fresh.token, http=_network(TroubledNetwork("lost", at=0))))
    about = await effect.prepare(scene)
    stage.stand_in.faults.add("lost", method="POST|PATCH|PUT|DELETE", path="^(?!/graphql)")
    stage.stand_in.faults.add("stale", method="POST|PATCH|PUT|DELETE", path="^(?!/graphql)", reads=3)
    await effect.act(scene, about)
    stage.stand_in.faults.clear()
    assert await effect.seen(scene, about) == effect.wanted


async def _run(stage: GitHubStage, effect: Effect, trouble: Trouble | None, *, at: int) -> list[str]:
    """One effect in a repository of its own; returns what was asked for it."""
    fresh, network = another(stage), TroubledNetwork(trouble, at=at)
    scene = Scene(stage=fresh, forge=fresh.connected(fresh.token, http=_network(network)))
    about = await effect.prepare(scene)
    await effect.act(scene, about)
    assert await effect.seen(scene, about) == effect.wanted, (trouble, network.asked, at)
    return network.asked


def _network(transport: TroubledNetwork) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport)
