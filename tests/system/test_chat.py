"""A run commanded by talking: started, looked at, paused, resumed after its worker was killed, and told of."""

from __future__ import annotations

import pytest
from script import always, blocks, call, classifies, fault, rule, say, scenario

from adw.store import chat
from adw.store.audit import list_deeds
from adw.store.orchestrators import get_or_create_orchestrator

pytestmark = pytest.mark.runtime("plain")

STARTED = r"started (?P<id>[0-9a-f]{8})"


class Talk:
    def __init__(self, scene, orchestrator):
        self._scene = scene
        self.id = orchestrator.id

    async def say(self, words):
        async with self._scene.foundation.database.begin() as connection:
            return (await chat.post_message(connection, self.id, author="Ada", body=words)).id

    async def ask(self, words):
        return await self.answer_to(await self.say(words))

    async def answer_to(self, turn):
        return await self._scene.eventually(lambda: self._answer(turn), f"turn {turn} is answered")

    async def entries(self):
        async with self._scene.foundation.database.read() as connection:
            return await chat.chat_history(connection, self.id, limit=200)

    async def _answer(self, turn):
        return next((e.message for e in await self.entries() if e.kind == "answer" and e.turn_id == turn), None)

    def results_of(self, turn):
        async def look():
            return [entry for entry in await self.entries() if entry.kind == "tool_result" and entry.turn_id == turn]

        return look

    async def told(self):
        """What it said without having been asked."""
        entries = await self.entries()
        asked = {entry.turn_id for entry in entries if entry.kind == "message"}
        return [entry.message for entry in entries if entry.kind == "answer" and entry.turn_id not in asked]


@pytest.fixture
async def talk(scene):
    async with scene.foundation.database.begin() as connection:
        return Talk(scene, await get_or_create_orchestrator(connection, str(scene.folder)))


async def test_a_run_is_commanded_through_one_conversation_that_outlives_its_worker(scene, talk, repository):
    project, _ = await scene.foundation.intake.open_project(str(repository))
    issue = await scene.foundation.access.forge(project).create_issue(title="Say farewell", body="", key=None)
    ordered = call("start_workflow", issue_number=issue.number, kind="sdlc", budget_usd=2)
    known = {"role": "orchestrator", "any_text": STARTED}
    spoken = (
        rule("woken", say("${id} failed."), prompt=r"^\[events", **known),
        rule("resume", blocks(call("resume", adw_id="${id}")), say("${id} goes on."), prompt="resume it", **known),
        rule("look", blocks(call("get_workflow", adw_id="${id}")), say("It plans."), prompt="going", **known),
        rule("start", blocks(ordered), say("It runs."), role="orchestrator", prompt="two dollars"),
        classifies(),
    )
    thinks = always("thinks", {"fault": "hang", "blocks": [{"text": "Hm."}]}, role="planner")
    pauses = rule("pause", blocks(call("pause", adw_id="${id}")), fault("hang"), prompt="pause it", **known)
    scene.model.follow(scenario(*spoken, pauses, thinks))
    worker = scene.fork_worker()
    assert await talk.ask("start sdlc for issue 1 with at most two dollars") == "It runs."
    await scene.eventually(lambda: scene.model.asked("planner"), "the planner thinks")
    assert await talk.ask("how is it going") == "It plans."
    turn = await talk.say("pause it")
    await scene.eventually(talk.results_of(turn), "it is paused, and nothing is said of that yet")
    worker.kill()
    goes_on = rule("gone on", say("${id} is paused."), prompt=rf"^\[message {turn}\] You were interrupted", **known)
    gives_up = always("gives up", say("No plan."), role="planner")
    scene.model.follow(scenario(*spoken, goes_on, gives_up))
    scene.fork_worker()
    paused = (await talk.answer_to(turn)).removesuffix(" is paused.")
    workflow = await scene.becomes(paused, "paused")
    assert (workflow.budget_usd, workflow.issue_number) == (2, issue.number)
    assert await talk.ask("resume it") == f"{paused} goes on."
    await scene.becomes(paused, "failed")
    assert await scene.eventually(talk.told, "it tells of the failure by itself") == [f"{paused} failed."]

    actor = f"chat:{str(talk.id)[:8]}"
    async with scene.foundation.database.read() as connection:
        deeds = await list_deeds(connection, who=actor)
    assert [deed.route for deed in reversed(deeds)] == ["start_workflow", "pause", "resume"]
    entries = await talk.entries()
    assert len([each for each in entries if each.kind == "answer"]) == len({each.turn_id for each in entries})
    done = await scene.events(paused, "workflow_paused", "workflow_resumed")
    assert {event.data["by"] for event in done} == {actor}
