"""Every effect of the GitHub forge: what it is about, how it is brought about, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.forge.github.stage import GitHubStage
from tests.forge.stage import open_pull

from adw.domain.forge import Merged
from adw.forge.github import GitHubForge
from adw.forge.github_stand_in import Place

KEY = "1a2b3c4d:effect"


@dataclass
class Scene:
    """What the effect is about. `forge` is the one on the troubled network, `stage.forge` the untroubled one."""

    stage: GitHubStage
    forge: GitHubForge
    facts: dict[str, Any] = field(default_factory=dict)

    async def issue(self) -> int:
        return self.stage.stand_in.add_issue(self.stage.full_name, "Broken", labels=["bug"])

    async def pull(self, *, draft: bool = False) -> int:
        self.facts["number"] = (await open_pull(self.stage, draft=draft)).number
        return self.facts["number"]


Prepare = Callable[[Scene], Awaitable[Any]]
Act = Callable[[Scene, Any], Awaitable[Any]]
Seen = Callable[[Scene, Any], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """`seen` tells what is there afterwards, which must be `wanted`."""

    prepare: Prepare
    act: Act
    seen: Seen
    wanted: Any


async def _branch(scene: Scene) -> str:
    return await scene.stage.commit("work", {"work.txt": "new\n"})


async def _thread(scene: Scene) -> tuple[int, str]:
    number = await scene.pull()
    scene.stage.stand_in.review(
        scene.stage.full_name,
        number,
        "REQUEST_CHANGES",
        by="ada",
        body="Look",
        comments=[Place(path="work.txt", body="Why?", line=1)],
    )
    return number, (await scene.stage.forge.list_threads(number))[0].id


async def _comment(scene: Scene) -> str:
    return (await scene.stage.forge.create_comment(await scene.issue(), body="before", key=None)).id


async def _check(scene: Scene) -> Any:
    sha = await _branch(scene)
    scene.stage.stand_in.set_check(scene.stage.full_name, sha, "ci", "failure")
    return (await scene.stage.forge.list_checks(sha))[0]


async def _bodies(scene: Scene, number: int) -> list[str]:
    return [comment.body for comment in await scene.stage.forge.list_comments(number)]


async def _edited(scene: Scene, comment_id: str) -> str:
    return (await scene.stage.forge.update_comment(comment_id, body="after")).body


async def _merged(scene: Scene, _: Any) -> tuple[bool, int]:
    pull = await scene.stage.forge.get_pull_request(scene.facts["number"])
    subjects = await scene.stage.commits_on("main")
    return pull.merge_sha == scene.facts["outcome"].sha, subjects.count("Add work")


async def _merge(scene: Scene, number: int) -> None:
    head = (await scene.stage.forge.get_pull_request(number)).head_sha
    outcome = await scene.forge.merge_pull_request(number, expected_head_sha=head, message="Add work")
    assert isinstance(outcome, Merged)
    scene.facts["outcome"] = outcome


async def _merge_later(scene: Scene, number: int) -> None:
    head = (await scene.stage.forge.get_pull_request(number)).head_sha
    await scene.forge.enable_auto_merge(number, expected_head_sha=head, message="Add work")


async def _pull_state(scene: Scene, number: int) -> str:
    return (await scene.stage.forge.get_pull_request(number)).state


async def _pulls(scene: Scene, _: Any) -> list[tuple[str, str]]:
    return [(pull.title, pull.state) for pull in await scene.stage.forge.list_pull_requests(state="all")]


async def _issues(scene: Scene, _: Any) -> list[str]:
    return [issue.title for issue in await scene.stage.forge.list_issues()]


async def _labels(scene: Scene, number: int) -> list[str]:
    return sorted((await scene.stage.forge.get_issue(number)).labels)


async def _reviews(scene: Scene, number: int) -> list[str]:
    return [review.body for review in await scene.stage.forge.list_reviews(number)]


async def _answers(scene: Scene, place: tuple[int, str]) -> list[str]:
    return [said.body for said in (await scene.stage.forge.list_threads(place[0]))[0].comments]


async def _settled(scene: Scene, place: tuple[int, str]) -> bool:
    return (await scene.stage.forge.list_threads(place[0]))[0].is_resolved


async def _runs(scene: Scene, check: Any) -> list[str]:
    return [each.state.value for each in await scene.stage.forge.list_checks(check.sha)]


EFFECTS: dict[str, Effect] = {
    "create_issue": Effect(
        prepare=_branch,
        act=lambda scene, _: scene.forge.create_issue(title="One", body="text", key=KEY),
        seen=_issues,
        wanted=["One"],
    ),
    "close_issue": Effect(
        prepare=Scene.issue,
        act=lambda scene, number: scene.forge.close_issue(number),
        seen=_issues,
        wanted=[],
    ),
    "create_comment": Effect(
        prepare=Scene.issue,
        act=lambda scene, number: scene.forge.create_comment(number, body="said", key=KEY),
        seen=_bodies,
        wanted=["said"],
    ),
    "upsert_comment": Effect(
        prepare=Scene.issue,
        act=lambda scene, number: scene.forge.upsert_comment(number, body="said", key=KEY),
        seen=_bodies,
        wanted=["said"],
    ),
    "update_comment": Effect(
        prepare=_comment,
        act=lambda scene, comment: scene.forge.update_comment(comment, body="after"),
        seen=_edited,
        wanted="after",
    ),
    "ensure_pull_request": Effect(
        prepare=_branch,
        act=lambda scene, _: scene.forge.ensure_pull_request(
            head="work", base="main", title="Add work", body="Because.", draft=True, key=KEY
        ),
        seen=_pulls,
        wanted=[("Add work", "draft")],
    ),
    "update_pull_request": Effect(
        prepare=Scene.pull,
        act=lambda scene, number: scene.forge.update_pull_request(number, title="Other"),
        seen=_pulls,
        wanted=[("Other", "ready")],
    ),
    "mark_ready": Effect(
        prepare=lambda scene: scene.pull(draft=True),
        act=lambda scene, number: scene.forge.mark_ready(number),
        seen=_pull_state,
        wanted="ready",
    ),
    "mark_draft": Effect(
        prepare=Scene.pull,
        act=lambda scene, number: scene.forge.mark_draft(number),
        seen=_pull_state,
        wanted="draft",
    ),
    "close_pull_request": Effect(
        prepare=Scene.pull,
        act=lambda scene, number: scene.forge.close_pull_request(number),
        seen=_pull_state,
        wanted="closed",
    ),
    "add_review": Effect(
        prepare=Scene.pull,
        act=lambda scene, number: scene.forge.add_review(number, state="commented", body="hm", key=KEY),
        seen=_reviews,
        wanted=["hm"],
    ),
    "merge_pull_request": Effect(prepare=Scene.pull, act=_merge, seen=_merged, wanted=(True, 1)),
    "reply_to_thread": Effect(
        prepare=_thread,
        act=lambda scene, place: scene.forge.reply_to_thread(place[0], thread_id=place[1], body="So.", key=KEY),
        seen=_answers,
        wanted=["Why?", "So."],
    ),
    "resolve_thread": Effect(
        prepare=_thread,
        act=lambda scene, place: scene.forge.resolve_thread(place[0], thread_id=place[1]),
        seen=_settled,
        wanted=True,
    ),
    "rerun_check": Effect(
        prepare=_check,
        act=lambda scene, check: scene.forge.rerun_check(check),
        seen=_runs,
        wanted=["pending"],
    ),
    "add_labels": Effect(
        prepare=Scene.issue,
        act=lambda scene, number: scene.forge.add_labels(number, ["adw:sdlc"]),
        seen=_labels,
        wanted=["adw:sdlc", "bug"],
    ),
    "remove_label": Effect(
        prepare=Scene.issue,
        act=lambda scene, number: scene.forge.remove_label(number, "bug"),
        seen=_labels,
        wanted=[],
    ),
}


def another(stage: GitHubStage) -> GitHubStage:
    """Another repository of the same stand-in, for the same account."""
    full_name = f"{stage.full_name}-{len(stage.opened)}"
    stage.stand_in.add_repository(full_name)
    stage.stand_in.grant(full_name, stage.ourselves, "write")
    return GitHubStage(
        stand_in=stage.stand_in,
        database=stage.database,
        full_name=full_name,
        github=stage.github,
        forge=stage.github.forge(full_name),
        token=stage.token,
        opened=stage.opened,
    )
