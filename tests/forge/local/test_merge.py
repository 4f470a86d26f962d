from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.forge.local.conftest import LocalStage
from tests.forge.stage import open_pull

from adw.domain.forge import MergeConflict, Merged, MergeOutcome, NotMergeable, PullRequest
from adw.forge.local.forge import LocalForge
from adw.forge.local.git_repository import GitLocalRepository
from adw.forge.local.repository import MergeCandidate
from adw.kit.errors import ForgeError, NotFoundError

MOMENTS = ["before prepare", "after prepare", "before advance", "after advance", "before deliver"]


class KilledError(Exception):
    pass


class DyingRepository(GitLocalRepository):
    """Ends the merge at one moment, as a killed process would."""

    def __init__(self, *, bare: Path, moment: str) -> None:
        super().__init__(bare=bare)
        self._moment = moment

    async def prepare(self, **values: Any) -> MergeCandidate | MergeConflict:
        self._live_through("before prepare")
        candidate = await super().prepare(**values)
        self._live_through("after prepare")
        return candidate

    async def advance(self, **values: Any) -> bool:
        self._live_through("before advance")
        moved = await super().advance(**values)
        self._live_through("after advance")
        return moved

    async def deliver(self, base: str) -> str | None:
        self._live_through("before deliver")
        return await super().deliver(base)

    def _live_through(self, moment: str) -> None:
        if moment == self._moment:
            raise KilledError


async def merge(stage: LocalStage, pull: PullRequest, *, dying: str = "") -> MergeOutcome:
    forge = stage.forge_with(DyingRepository(bare=stage.bare, moment=dying)) if dying else stage.forge
    return await forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_merge_killed_at_any_moment_is_finished_by_a_repeat(stage: LocalStage, moment: str) -> None:
    pull = await open_pull(stage)
    before = await stage.commits_on("main")
    with pytest.raises(KilledError):
        await merge(stage, pull, dying=moment)
    outcome = await merge(stage, pull)
    assert isinstance(outcome, Merged)
    assert await stage.commits_on("main") == ["Do it", *before]
    assert stage.sha_of("main") == outcome.sha
    assert (await stage.forge.get_pull_request(pull.number)).merge_sha == outcome.sha


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_merge_is_finished_though_the_base_and_the_branch_went_on(
    stage: LocalStage, moment: str
) -> None:
    pull = await open_pull(stage)
    with pytest.raises(KilledError):
        await merge(stage, pull, dying=moment)
    await stage.commit("main", {"later.txt": "x\n"})
    if moment in {"after advance", "before deliver"}:
        await stage.delete_branch("work")
    outcome = await merge(stage, pull)
    assert isinstance(outcome, Merged)
    assert (await stage.commits_on("main")).count("Do it") == 1
    assert {"later.txt", "work.txt"} <= (await stage.files_on("main")).keys()


async def test_closing_after_a_merge_was_only_prepared_prevents_it(stage: LocalStage) -> None:
    pull = await open_pull(stage)
    with pytest.raises(KilledError):
        await merge(stage, pull, dying="before advance")
    await stage.forge.close_pull_request(pull.number)
    assert isinstance(await merge(stage, pull), NotMergeable)
    assert "work.txt" not in await stage.files_on("main")


async def test_closing_after_the_base_moved_does_not_hide_the_merge(stage: LocalStage) -> None:
    pull = await open_pull(stage)
    with pytest.raises(KilledError):
        await merge(stage, pull, dying="after advance")
    await stage.forge.close_pull_request(pull.number)
    outcome = await merge(stage, pull)
    assert outcome == Merged(sha=stage.sha_of("main"))
    assert (await stage.forge.get_pull_request(pull.number)).state == "merged"


async def test_a_base_that_moves_between_preparing_and_merging_is_merged_onto_again(stage: LocalStage) -> None:
    pull = await open_pull(stage)

    class Overtaken(GitLocalRepository):
        overtaken = False

        async def advance(self, **values: Any) -> bool:
            if not self.overtaken:
                self.overtaken = True
                await stage.commit("main", {"first.txt": "x\n"})
            return await super().advance(**values)

    forge = stage.forge_with(Overtaken(bare=stage.bare))
    outcome = await forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")
    assert isinstance(outcome, Merged)
    assert {"first.txt", "work.txt"} <= (await stage.files_on("main")).keys()


async def test_closing_between_preparing_and_merging_prevents_it(stage: LocalStage) -> None:
    pull = await open_pull(stage)
    transactions = 0

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncConnection]:
        nonlocal transactions
        transactions += 1
        if transactions == 2:
            await stage.forge.close_pull_request(pull.number)
        async with stage.engine.begin() as connection:
            yield connection

    forge = LocalForge(begin, project_id=stage.project_id, repository=GitLocalRepository(bare=stage.bare))
    outcome = await forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")
    assert outcome == NotMergeable(reason=f"pull request #{pull.number} is closed")
    assert "work.txt" not in await stage.files_on("main")


async def test_a_merge_that_is_not_found_afterwards_is_an_error_and_can_be_repeated(stage: LocalStage) -> None:
    pull = await open_pull(stage)

    class Forgetful(GitLocalRepository):
        async def contains(self, **_: Any) -> bool:
            return False

    forge = stage.forge_with(Forgetful(bare=stage.bare))
    with pytest.raises(ForgeError):
        await forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")
    assert await merge(stage, pull) == Merged(sha=stage.sha_of("main"))
    assert (await stage.commits_on("main")).count("Do it") == 1


async def test_a_base_that_is_gone_is_not_found(stage: LocalStage) -> None:
    await stage.commit("release", {"release.txt": "1\n"})
    pull = await open_pull(stage, base="release")
    await stage.delete_branch("release")
    with pytest.raises(NotFoundError, match="release"):
        await merge(stage, pull)
    with pytest.raises(NotFoundError, match="release"):
        await stage.forge.diff(pull.number)


async def test_a_base_that_never_holds_still_ends_the_attempt(stage: LocalStage) -> None:
    pull = await open_pull(stage)

    class AlwaysOvertaken(GitLocalRepository):
        async def advance(self, **_: Any) -> bool:
            return False

    forge = stage.forge_with(AlwaysOvertaken(bare=stage.bare))
    outcome = await forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")
    assert isinstance(outcome, NotMergeable)
    assert (await stage.forge.get_pull_request(pull.number)).state == "ready"


async def test_two_processes_merging_six_pull_requests_lose_none(stage: LocalStage) -> None:
    pulls = [await open_pull(stage, f"work-{n}") for n in range(6)]
    other = stage.forge_with(GitLocalRepository(bare=stage.bare))
    outcomes = await asyncio.gather(
        *(
            forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message=f"Merge {pull.head_branch}")
            for pull in pulls
            for forge in (stage.forge, other)
        )
    )
    assert all(isinstance(outcome, Merged) for outcome in outcomes)
    merges = [subject for subject in await stage.commits_on("main") if subject.startswith("Merge")]
    assert sorted(merges) == [f"Merge work-{n}" for n in range(6)]


async def test_a_branch_somebody_merged_by_hand_counts_as_merged(stage: LocalStage) -> None:
    pull = await open_pull(stage, draft=True)
    await stage.fast_forward("main", to="work")
    assert await merge(stage, pull) == Merged(sha=pull.head_sha)
    assert (await stage.forge.get_pull_request(pull.number)).state == "merged"


async def test_a_branch_that_changes_nothing_is_not_merged(stage: LocalStage) -> None:
    await stage.commit("work", {"README.md": "hello\n"})
    pull = await open_pull(stage, pushed=True)
    before = await stage.commits_on("main")
    outcome = await merge(stage, pull)
    assert isinstance(outcome, NotMergeable)
    assert "changes nothing" in outcome.reason
    assert await stage.commits_on("main") == before


async def test_the_commits_of_a_pull_request_outlive_its_branch(stage: LocalStage) -> None:
    pull = await open_pull(stage)
    assert stage.sha_of(f"refs/pull/{pull.number}/head") == pull.head_sha
    sha = await stage.commit("work", {"more.txt": "x\n"})
    await stage.forge.close_pull_request(pull.number)
    await stage.delete_branch("work")
    assert stage.sha_of(f"refs/pull/{pull.number}/head") == sha
