from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.forge.local.conftest import ENVIRONMENT, LocalStage, git
from tests.forge.stage import open_pull

from adw.domain.forge import Merged, PullRequest
from adw.forge.local.git_repository import GitLocalRepository


@pytest.fixture
def person(stage: LocalStage, tmp_path: Path) -> Path:
    """A person's repository, on its base branch, that the forge delivers to."""
    folder = tmp_path / "a person's repo"
    git(tmp_path, "clone", "--quiet", str(stage.bare), str(folder))
    git(folder, "remote", "remove", "origin")
    stage.forge = stage.forge_with(GitLocalRepository(bare=stage.bare, person=folder))
    return folder


async def merge(stage: LocalStage, pull: PullRequest) -> Merged:
    outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Do it")
    assert isinstance(outcome, Merged)
    assert stage.sha_of("main") == outcome.sha
    return outcome


def main_of(folder: Path) -> str:
    return git(folder, "rev-parse", "refs/heads/main").decode().strip()


def commit_in(folder: Path, name: str) -> None:
    (folder / name).write_text("mine\n")
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "-m", f"Add {name}")


def run(command: str) -> None:
    subprocess.run(shlex.split(command), check=True, capture_output=True, env=ENVIRONMENT)


async def test_a_clean_checkout_gets_the_merged_files(stage: LocalStage, person: Path) -> None:
    (person / "untracked.txt").write_text("stays\n")
    outcome = await merge(stage, await open_pull(stage))
    assert outcome.note is None
    assert main_of(person) == outcome.sha
    assert (person / "work.txt").read_text() == "new\n"
    assert git(person, "status", "--porcelain") == b"?? untracked.txt\n"


async def test_a_dirty_checkout_is_untouched_and_the_command_works_later(stage: LocalStage, person: Path) -> None:
    before = main_of(person)
    (person / "README.md").write_text("being edited\n")
    outcome = await merge(stage, await open_pull(stage))
    assert main_of(person) == before
    assert (person / "README.md").read_text() == "being edited\n"
    assert outcome.note is not None
    reason, _, command = outcome.note.partition("; to bring the merge in: ")
    assert "uncommitted" in reason
    git(person, "checkout", "--quiet", "README.md")
    run(command)
    assert main_of(person) == outcome.sha


async def test_an_untracked_file_in_the_way_is_kept(stage: LocalStage, person: Path) -> None:
    (person / "work.txt").write_text("precious\n")
    outcome = await merge(stage, await open_pull(stage))
    assert outcome.note is not None
    assert (person / "work.txt").read_text() == "precious\n"
    assert main_of(person) != outcome.sha


async def test_a_base_that_is_not_checked_out_moves(stage: LocalStage, person: Path) -> None:
    git(person, "checkout", "--quiet", "-b", "elsewhere")
    outcome = await merge(stage, await open_pull(stage))
    assert outcome.note is None
    assert main_of(person) == outcome.sha
    assert not (person / "work.txt").exists()


async def test_a_repeat_delivers_what_could_not_be_delivered(stage: LocalStage, person: Path) -> None:
    (person / "README.md").write_text("being edited\n")
    pull = await open_pull(stage)
    first = await merge(stage, pull)
    git(person, "checkout", "--quiet", "README.md")
    again = await merge(stage, pull)
    assert first.note is not None
    assert again == Merged(sha=first.sha)
    assert main_of(person) == first.sha


async def test_what_a_person_committed_meanwhile_is_merged_onto(stage: LocalStage, person: Path) -> None:
    pull = await open_pull(stage)
    commit_in(person, "mine.txt")
    outcome = await merge(stage, pull)
    assert outcome.note is None
    assert main_of(person) == outcome.sha
    assert await stage.commits_on("main") == ["Do it", "Add mine.txt", "Change README.md"]


async def test_a_person_who_went_another_way_is_told_and_left_alone(stage: LocalStage, person: Path) -> None:
    (person / "README.md").write_text("being edited\n")
    await merge(stage, await open_pull(stage, "first"))
    git(person, "commit", "--quiet", "-am", "Go another way")
    before = main_of(person)
    outcome = await merge(stage, await open_pull(stage, "second"))
    assert main_of(person) == before
    assert outcome.note is not None
    assert "not part of the merge" in outcome.note
    assert {"first.txt", "second.txt"} <= (await stage.files_on("main")).keys()


async def test_a_repository_that_is_gone_does_not_undo_the_merge(stage: LocalStage, person: Path) -> None:
    pull = await open_pull(stage)
    shutil.rmtree(person)
    outcome = await merge(stage, pull)
    assert outcome.note is not None
    assert str(person) in outcome.note


async def test_a_broken_repository_does_not_undo_the_merge(stage: LocalStage, person: Path) -> None:
    pull = await open_pull(stage)
    shutil.rmtree(person)
    person.mkdir()
    outcome = await merge(stage, pull)
    assert outcome.note is not None


async def test_a_bare_repository_of_a_person_is_updated(stage: LocalStage, tmp_path: Path) -> None:
    folder = tmp_path / "person.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(stage.bare), str(folder))
    stage.forge = stage.forge_with(GitLocalRepository(bare=stage.bare, person=folder))
    outcome = await merge(stage, await open_pull(stage))
    assert outcome.note is None
    assert main_of(folder) == outcome.sha


async def test_a_base_the_person_deleted_is_left_deleted(stage: LocalStage, person: Path) -> None:
    pull = await open_pull(stage)
    git(person, "checkout", "--quiet", "-b", "elsewhere")
    git(person, "branch", "--quiet", "-D", "main")
    outcome = await merge(stage, pull)
    assert outcome.note is not None
    assert "does not exist" in outcome.note
