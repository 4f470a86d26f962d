"""A run commanded by talking, all of it with the real CLI: started, looked at, paused, asked what it changed while the
server dies, resumed by the next one, and told of when it fails. The run's own agents need no process of their own.
"""

from __future__ import annotations

import pytest
from repositories import SETTINGS, make_repository
from script import always, blocks, call, classifies, fault, plans, rule, say, scenario

from adw.control.otherwise import Otherwise
from adw.store import chat
from adw.store.audit import list_deeds
from adw.store.orchestrators import get_or_create_orchestrator

STARTED = r"started (?P<id>[0-9a-f]{8})"
SUMMED_UP = "A plan was written."


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


async def summary_of(scene, adw_id, phase):
    return next((each.summary for each in await scene.phases(adw_id) if each.phase == phase), None)


def use(tool, **given):
    """A call as the CLI names it."""
    return blocks(call(f"mcp__adw__{tool}", **given))


async def test_a_run_is_commanded_through_one_conversation_that_outlives_its_server(scene, talk, folder):
    settings = SETTINGS + '[agents]\nruntime = "plain"\n[summaries]\nphases = true\n'
    repository = make_repository(folder / "sample", {"adw.toml": settings})
    project, _ = await scene.foundation.intake.open_project(str(repository))
    forge = scene.foundation.access.forge(project)
    for number in range(1, 8):
        issue = await forge.create_issue(title="Say farewell" if number == 7 else "Wait", body="", key=None)
    ordered = use("start_workflow", issue_number=7, kind="sdlc", budget_usd=2)
    known = {"role": "orchestrator", "any_text": STARTED}
    spoken = (
        rule("woken", say("${id} failed."), prompt=r"^\[events", **known),
        rule("resume", use("resume", adw_id="${id}"), say("${id} goes on."), prompt="resume it", **known),
        rule("pause", use("pause", adw_id="${id}"), say("${id} is paused."), prompt="pause it", **known),
        rule("look", use("get_workflow", adw_id="${id}"), say("It builds."), prompt="how is it going", **known),
        rule("start", ordered, say("It runs."), role="orchestrator", prompt="with at most two dollars"),
        classifies(),
        plans(),
        always("sums up", say(SUMMED_UP), role="summarizer", phase="plan"),
    )
    changed = rule("changed", use("get_diff", adw_id="${id}"), fault("hang"), prompt="what did it change", **known)
    scene.model.follow(scenario(*spoken, changed, always("builds", fault("hang"), role="implementor")))
    server = scene.fork_worker()
    assert await talk.ask("start sdlc for issue 7 with at most two dollars") == "It runs."
    await scene.eventually(lambda: scene.model.asked("implementor"), "the implementor thinks")
    assert await talk.ask("how is it going") == "It builds."
    paused = (await talk.ask("pause it")).removesuffix(" is paused.")
    workflow = await scene.becomes(paused, "paused")
    assert (workflow.budget_usd, workflow.issue_number) == (2, issue.number)
    turn = await talk.say("what did it change")
    (diff,) = await scene.eventually(talk.results_of(turn), "it has looked, and nothing is said of that yet")
    assert "+# Plan: say farewell" in diff.message
    server.kill()

    told = rule("told", say("${id} wrote a plan."), prompt=rf"^\[message {turn}\] You were interrupted", **known)
    scene.model.follow(scenario(*spoken, told, always("refused", {"fault": 400}, role="implementor")))
    scene.fork_worker()
    assert await talk.answer_to(turn) == f"{paused} wrote a plan."
    assert await talk.ask("resume it") == f"{paused} goes on."
    await scene.becomes(paused, "failed")
    assert await scene.eventually(talk.told, "it tells of the failure by itself") == [f"{paused} failed."]
    assert await scene.eventually(lambda: summary_of(scene, paused, "plan"), "a model has summed up") == SUMMED_UP

    actor = f"chat:{str(talk.id)[:8]}"
    async with scene.foundation.database.read() as connection:
        deeds = await list_deeds(connection, who=actor)
    assert [(deed.route, deed.target) for deed in reversed(deeds)] == [
        ("start_workflow", "7"),
        ("pause", paused),
        ("resume", paused),
    ]
    entries = await talk.entries()
    assert len([each for each in entries if each.kind == "answer"]) == len({each.turn_id for each in entries})
    done = await scene.events(paused, "workflow_paused", "workflow_resumed")
    assert {event.data["by"] for event in done} == {actor}

    scene.model.follow(scenario(*spoken, always("refused again", {"fault": 400}, role="implementor")))
    otherwise = Otherwise(model="claude-haiku-5-5", message="Mind the time zone")
    await scene.control.retry(paused, actor="Ada", otherwise=otherwise)
    again = (await scene.eventually(lambda: scene.model.asked("implementor"), "it is done otherwise"))[0]
    assert again.model == "claude-haiku-5-5"
    assert await scene.eventually(lambda: scene.has_said("Mind the time zone"), "it was told")
