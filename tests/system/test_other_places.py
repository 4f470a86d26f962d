"""A worker with another data directory goes on with what one left behind: everything it needs is in shared places."""

from __future__ import annotations

import pytest
from repositories import git
from script import BUILT, answer, blocks, call, classifies, plans, rule, scenario, shell, write

from adw.domain.events import EventType
from adw.domain.status import Status

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


def broken_off(folder):
    """An implementor whose command hangs; resumed, it writes both files."""
    return scenario(
        classifies(),
        plans(),
        rule(
            "resumed",
            blocks(call("Write", file_path="${cwd}/farewell.txt", content="farewell\n")),
            write("${cwd}/checks/farewell.sh", "grep -q farewell farewell.txt\n"),
            answer(BUILT),
            role="implementor",
            turn=2,
        ),
        rule("hangs", shell(f"echo $$ > {folder}/hangs; exec sleep 300"), role="implementor", turn=1),
    )


async def test_work_goes_on_in_another_data_directory(scene, repository):
    scene.model.follow(broken_off(scene.folder))
    first = scene.fork_worker()
    accepted = await scene.accept(repository)
    await scene.eventually((scene.folder / "hangs").exists, "the agent's command hangs")
    await scene.eventually(lambda: scene.has_said("sleep 300"), "the conversation is kept")
    before = await scene.workflow(accepted.adw_id)
    first.kill()
    await scene.nothing_survives()

    elsewhere = scene.folder / "elsewhere"
    scene.env["ADW_DATA_DIR"] = str(elsewhere)
    scene.fork_worker()
    ended = await scene.completed(accepted.adw_id)

    assert ended.status is Status.COMPLETED
    assert ended.worktree_path != before.worktree_path
    assert ended.worktree_path.startswith(str(elsewhere))
    assert scene.model.conversations("implementor") == 1
    assert len(await scene.events(accepted.adw_id, EventType.PULL_REQUEST_OPENED)) == 1
    assert git(repository, "show", f"{ended.branch_name}:farewell.txt") == "farewell"
