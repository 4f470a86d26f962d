"""Agents at work ask people, where a project lets them; an answer reaches them in the same conversation."""

from __future__ import annotations

import pytest
from repositories import SETTINGS, make_repository
from script import BUILT, adds_farewell, answer, blocks, call, classifies, plans, rule, scenario

from adw.domain.status import Status
from adw.kit.errors import UsageError
from adw.store import approvals

pytestmark = pytest.mark.runtime("plain")

QUESTION = "Which zone is meant? Without an answer I take UTC."


def asking():
    """A builder that asks before it builds, and says what it was told."""
    heard = r"(?:answers: |Nobody has )(?P<word>\w+)"
    ask = blocks(call("ask_person", question=QUESTION))
    goes_on = (ask, adds_farewell(), answer(BUILT | {"summary": "Heard ${word}."}))
    told = rule("told", *goes_on, role="implementor", any_text=heard)
    return scenario(classifies(), plans(), told, rule("ask", ask, role="implementor"))


@pytest.fixture
def curious(folder):
    """A repository whose agents may ask."""

    def make(more=""):
        return make_repository(folder / "sample", {"adw.toml": SETTINGS + "[agents]\nquestions = true\n" + more})

    return make


async def asked(system, adw_id):
    async def look():
        async with system.foundation.database.read() as connection:
            return await approvals.list_approvals(connection, adw_id=adw_id)

    (found,) = await system.eventually(look, "the builder asks")
    return found


async def test_an_agent_asks_waits_and_goes_on_with_the_answer(system, curious):
    system.model.follow(asking())
    adw_id = (await system.accept(curious(), "plan-build")).adw_id
    question = await asked(system, adw_id)
    assert (question.question, question.data) == (QUESTION, {"role": "implementor", "phase": "build"})
    assert (await system.workflow(adw_id)).status is Status.ACTIVE, "it does not wait, its agent does"
    with pytest.raises(UsageError):
        await system.control.decide(str(question.id), allow=True, actor="Ada")
    await system.control.decide(str(question.id), allow=True, actor="Ada", reason="Berlin")
    await system.completed(adw_id)
    assert system.model.conversations("implementor") == 1
    decided = await system.events(adw_id, "approval_requested", "approval_decided")
    assert [(event.type, event.data["kind"]) for event in decided] == [
        ("approval_requested", "question"),
        ("approval_decided", "question"),
    ]
    (built,) = [each for each in await system.agents(adw_id) if each.agent_name == "implementor"]
    assert built.output_jsonl["summary"] == "Heard Berlin."


async def test_without_an_answer_it_does_what_it_thinks_best(system, curious):
    system.model.follow(asking())
    workflow = await system.run(curious("[stuck]\nsilence_s = 8\n"), "plan-build")
    assert workflow.status is Status.COMPLETED, workflow.failure
    question = await asked(system, workflow.adw_id)
    assert question.decision == "expired"
