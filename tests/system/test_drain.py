"""A worker that is asked to stop parks what it does, and another goes on where it stopped."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from script import BUILT, adds_farewell, answer, blocks, classifies, plans, rule, scenario, shell

pytestmark = pytest.mark.runtime("plain")


async def test_a_long_turn_is_parked_with_its_tree_and_goes_on_in_another_worker(scene, repository):
    scene.model.follow(
        scenario(
            classifies(),
            plans(),
            rule("resumed", answer(BUILT), role="implementor", turn=2, any_text="was interrupted"),
            rule(
                "begun",
                blocks({"text": "I begin"}, *adds_farewell()["blocks"]),
                shell("touch unfinished; sleep 300"),
                role="implementor",
            ),
        )
    )
    scene.env["ADW_WORKER_GRACE_S"] = "6"
    worker = scene.fork_worker()
    accepted = await scene.accept(repository, "plan-build")
    mark = scene.folder / "data" / "trees" / accepted.adw_id / "unfinished"
    await scene.eventually(mark.exists, "the agent is at work")
    asked = time.monotonic()
    worker.send(signal.SIGTERM)
    worker.gone()
    assert time.monotonic() - asked < 7
    (remote,) = (scene.folder / "data" / "forge").glob("*.git")
    assert "unfinished" in files_of(remote, f"refs/adw/{accepted.adw_id}/wip")
    await scene.nothing_survives()
    scene.fork_worker()
    await scene.completed(accepted.adw_id)
    assert scene.model.conversations("implementor") == 1


def files_of(repository, commit):
    command = ["git", "--git-dir", str(repository), "ls-tree", "--name-only", commit]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
