from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from tests.forge.github_stand_in.conftest import REPO, Scene
from tests.forge.github_stand_in.test_pulls import R

from adw.forge.github_stand_in import StandIn

GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "bob",
    "GIT_AUTHOR_EMAIL": "bob@users.noreply.github.com",
    "GIT_COMMITTER_NAME": "bob",
    "GIT_COMMITTER_EMAIL": "bob@users.noreply.github.com",
}


def git(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *map(str, args)], capture_output=True, text=True, env=GIT, check=False)


def address(scene: Scene, login: str | None) -> str:
    url = scene.stand.clone_url(REPO)
    return url.replace("://", f"://x-access-token:{scene.tokens[login]}@") if login else url


@pytest.fixture
def clone(scene: Scene, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    done = git("clone", "--quiet", address(scene, "bob"), folder)
    assert done.returncode == 0, done.stderr
    (folder / "new.py").write_text("new = 1\n")
    git("-C", folder, "checkout", "--quiet", "-b", "fix")
    git("-C", folder, "add", ".")
    git("-C", folder, "commit", "--quiet", "-m", "Add something")
    return folder


def test_a_push_is_told_and_a_later_one_moves_the_pull_request(scene: Scene, clone: Path):
    scene.stand.add_hook(REPO, "http://127.0.0.1:9/", events=["push", "create", "pull_request"], greet=False)
    assert git("-C", clone, "push", "--quiet", "origin", "fix").returncode == 0
    number = scene.bob.post(f"{R}/pulls", json={"title": "t", "head": "fix", "base": "main"}).json()["number"]
    git("-C", clone, "commit", "--quiet", "--amend", "-m", "Add something else")
    assert git("-C", clone, "push", "--quiet", "--force", "origin", "fix").returncode == 0
    told = [(one.event, one.action, one.payload.get("forced")) for one in scene.stand.deliveries(REPO)]
    assert told == [
        ("create", None, None),
        ("push", None, False),
        ("pull_request", "opened", None),
        ("push", None, True),
        ("pull_request", "synchronize", None),
    ]
    assert scene.stand.deliveries(REPO)[1].payload["pusher"]["name"] == "bob"
    assert git("-C", clone, "fetch", "--quiet", "origin", f"pull/{number}/head").returncode == 0


def test_a_protected_branch_takes_no_push(scene: Scene, clone: Path):
    scene.stand.protect(REPO, "main", checks=["ci"])
    done = git("-C", clone, "push", "origin", "fix:main")
    assert done.returncode == 1
    assert "GH006: Protected branch update failed for refs/heads/main" in done.stderr
    scene.stand.protect(REPO, "main", checks=["ci"], enforce_admins=False)
    assert git("-C", clone, "push", "--quiet", address(scene, "ada"), "fix:main").returncode == 0


@pytest.mark.parametrize(
    ("login", "said"), [(None, "terminal prompts disabled"), ("eve", "403"), ("stranger", "Authentication failed")]
)
def test_who_may_not_write_does_not_push(scene: Scene, clone: Path, login, said):
    scene.tokens["stranger"] = "ghp_wrong"
    done = git("-C", clone, "push", address(scene, login), "fix")
    assert done.returncode != 0
    assert said in done.stderr


def test_anybody_may_read_what_is_public_and_nobody_else_what_is_not(scene: Scene, tmp_path: Path):
    assert git("clone", "--quiet", address(scene, None), tmp_path / "public").returncode == 0
    scene.stand.world.repository(REPO).private = True
    assert git("clone", "--quiet", address(scene, "eve"), tmp_path / "private").returncode == 128
    assert git("ls-remote", f"{scene.stand.server_url}/ada/nothing.git").returncode == 128


async def test_many_push_at_once_and_each_is_told(scene: Scene, clone: Path):
    scene.stand.add_hook(REPO, "http://127.0.0.1:9/", events=["push"], greet=False)
    names = [f"b{number}" for number in range(8)]
    done = await asyncio.gather(
        *(asyncio.to_thread(git, "-C", clone, "push", "--quiet", "origin", f"fix:refs/heads/{name}") for name in names)
    )
    assert {one.returncode for one in done} == {0}
    refs = [one.payload["ref"] for one in scene.stand.deliveries(REPO)]
    assert sorted(refs) == sorted(f"refs/heads/{name}" for name in names)


def test_a_large_push_arrives_whole(scene: Scene, clone: Path):
    (clone / "large.bin").write_bytes(os.urandom(3_000_000))
    git("-C", clone, "add", ".")
    git("-C", clone, "commit", "--quiet", "-m", "Large")
    done = git("-C", clone, "push", "--quiet", "origin", "fix")
    assert done.returncode == 0, done.stderr
    assert scene.stand.world.repository(REPO).head("fix") == git("-C", clone, "rev-parse", "HEAD").stdout.strip()


def test_a_repository_may_begin_as_the_copy_of_another(tmp_path: Path, clone: Path):
    stand = StandIn(folder=tmp_path / "other")
    repository = stand.add_repository("ada/copy", git_from=clone)
    assert set(repository.refs) == {"refs/heads/main", "refs/heads/fix"}
    stand.stop()
