"""A person speaks to an agent whose worker dies inside of a turn: it is heard, and once."""

from __future__ import annotations

import pytest
from script import BUILT, adds_farewell, answer, classifies, plans, rule, scenario, shell
from sqlalchemy import text

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


async def test_a_message_left_for_an_agent_whose_worker_dies_is_heard_once(scene, repository):
    scene.model.follow(
        scenario(
            classifies(),
            plans(),
            rule("told", adds_farewell(), answer(BUILT), role="implementor", turn=2, any_text="Address friends"),
            rule("begun", shell(f"touch {scene.folder}/hangs; sleep 300"), role="implementor"),
        )
    )
    worker = scene.fork_worker()
    accepted = await scene.accept(repository)
    await scene.eventually((scene.folder / "hangs").exists, "the agent's command hangs")
    await scene.eventually(lambda: scene.has_said("sleep 300"), "the conversation is kept")
    message = await scene.foundation.steering.send(accepted.adw_id, text="Address friends", actor="ann")
    worker.kill()
    scene.fork_worker()
    done = await scene.completed(accepted.adw_id)
    assert done.pr_state == "ready"
    async with scene.foundation.database.read() as connection:
        query = text("SELECT count(*) FROM agent_session_entries WHERE strpos(body, :id) > 0 AND body LIKE :said")
        values = {"id": str(message.id), "said": '%"role": "user"%'}
        assert (await connection.execute(query, values)).scalar_one() == 1
    assert len([event for event in await scene.events(done.adw_id) if "what ann says" in event.message]) == 1
