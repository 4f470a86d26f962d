"""Talking to the orchestrator: tools, memory, workers that die, money, interruptions, events that wake it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.chat.conftest import Talk, calls, rule, says
from tests.conftest import Eventually, MakeWorkflow

from adw.domain.budget import BudgetScope, BudgetWarning
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.store import chat, chat_turns
from adw.store.chat_notices import reader_of
from adw.store.chat_turns import LostTurnError, take_turn
from adw.store.events import append_event, get_workflow_events
from adw.store.free_agents import NewAgent, create_agent
from adw.store.orchestrators import get_orchestrator_by_id
from adw.store.workflows import list_workflows, require_workflow, transition
from adw.wiring.gateway_news import tell_of_warning
from adw.worker.chatter import Chatter


async def orchestrator_of(talk: Talk):
    async with talk.database.read() as connection:
        found = await get_orchestrator_by_id(connection, talk.id)
    assert found is not None
    return found


async def open_states(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        return [item.state for item in await chat.open_items(connection, talk.id)]


async def expire_lease(talk: Talk) -> None:
    """As if its worker had been dead for long enough."""
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE orchestrator_agents SET owned_until = now() - interval '1 second'"))


async def test_a_run_is_started_looked_at_paused_and_resumed_from_one_conversation(talk: Talk, repository):
    talk.follow(
        rule(
            "start",
            calls("start_workflow", project=str(repository), prompt="Fix the date", kind="sdlc", budget_usd=2),
            says("It runs."),
            prompt="start",
        ),
        rule("look", calls("list_workflows"), says("It waits for its turn."), prompt="going on"),
        rule("recalled", says("You asked for two dollars."), prompt="how much", any_text="at most two dollars"),
    )
    assert await talk.ask("start sdlc for the date with at most two dollars") == "It runs."
    assert await talk.ask("what is going on") == "It waits for its turn."
    assert await talk.ask("how much may it cost?") == "You asked for two dollars."
    async with talk.database.read() as connection:
        (workflow,) = await list_workflows(connection)
        told = await get_workflow_events(connection, workflow.adw_id)
    assert (workflow.budget_usd, workflow.workflow_type) == (Decimal(2), "sdlc")
    assert workflow.trigger["actor"] == f"chat:{str(talk.id)[:8]}", "who did it is on record"
    assert told[0].type == EventType.WORKFLOW_CREATED

    talk.follow(
        rule("pause", calls("pause", adw_id=workflow.adw_id[:6]), says("Paused."), prompt="pause"),
        rule("resume", calls("resume", adw_id=workflow.adw_id), says("It goes on."), prompt="resume"),
    )
    assert await talk.ask("pause it") == "Paused."
    assert await talk.ask("resume it") == "It goes on."
    async with talk.database.read() as connection:
        events = await get_workflow_events(connection, workflow.adw_id)
    done = [
        (each.type, each.data.get("by")) for each in events if each.type.startswith(("workflow_paus", "workflow_res"))
    ]
    actor = f"chat:{str(talk.id)[:8]}"
    assert done == [(EventType.WORKFLOW_PAUSED, actor), (EventType.WORKFLOW_RESUMED, actor)]


async def test_what_is_said_and_done_is_written_down_in_order_and_costs_are_added(talk: Talk):
    talk.follow(
        rule(
            "look",
            {"blocks": [{"thinking": "Hm."}, {"text": "I look."}, {"tool": {"name": "list_projects", "input": {}}}]},
            says("There is none."),
        )
    )
    await talk.ask("which projects are there?")
    entries = await talk.entries()
    assert [entry.kind for entry in entries] == ["message", "thinking", "text", "tool_use", "tool_result", "answer"]
    assert [entry.seq for entry in entries] == sorted(entry.seq for entry in entries)
    assert entries[-2].message.startswith("there is no project yet")
    now = await orchestrator_of(talk)
    assert now.total_cost > 0
    assert now.output_tokens > 0
    assert now.status == "idle"
    async with talk.database.read() as connection:
        assert await chat_turns.spent_this_month(connection, talk.id) == now.total_cost
        context = await connection.execute(text("SELECT context_tokens FROM orchestrator_agents"))
    assert 0 < context.scalar_one() < now.input_tokens + now.output_tokens


async def test_saying_something_twice_with_one_key_asks_once(talk: Talk):
    talk.follow(rule("any", says("Yes.")))
    first = await talk.say("are you there?", key="k1")
    assert await talk.say("are you there?", key="k1") == first
    assert await talk.chatter.answer_one()
    assert not await talk.chatter.answer_one()
    assert await talk.said("message", "answer") == ["are you there?", "Yes."]


async def test_a_turn_of_a_dead_worker_is_ended_once_by_another_and_not_asked_again(
    talk: Talk, repository: Path, eventually: Eventually
):
    talk.follow(
        rule(
            "gone on",
            calls("start_workflow", project=str(repository), prompt="Do it"),
            says("Done."),
            prompt="interrupted",
        ),
        rule("begun", calls("start_workflow", project=str(repository), prompt="Do it"), says("late", fault="hang")),
    )
    await talk.say("do it")
    async with talk.database.begin() as connection:
        turn = await take_turn(connection, owner="first")
    assert turn is not None
    dying = asyncio.create_task(talk.conversations.answer(turn))
    await eventually(lambda: talk.said("tool_result"))
    dying.cancel()
    await asyncio.wait({dying})
    assert not await talk.chatter.answer_one(), "its lease still holds"
    await expire_lease(talk)
    assert await talk.chatter.answer_one()

    assert await talk.said("message", "answer") == ["do it", "Done."]
    async with talk.database.read() as connection:
        assert len(await list_workflows(connection)) == 1, "the same call of the same turn gives the same run"
    with pytest.raises(LostTurnError):
        await talk.conversations.interrupted(turn)
    assert await talk.said("answer") == ["Done."]


async def test_a_conversation_is_held_by_one_worker_at_a_time(talk: Talk):
    talk.follow(rule("any", says("Yes.")))
    await talk.say("one")
    await talk.say("two")
    others = [Chatter(talk.database, talk.conversations, worker_id="w2") for _ in range(4)]
    for _ in range(4):
        await asyncio.gather(*(each.answer_one() for each in others))
    assert await talk.said("answer") == ["Yes.", "Yes."]
    assert await open_states(talk) == []
    assert talk.requests == 2


async def test_a_worker_that_stops_in_order_gives_its_turn_to_the_next_one_at_once(talk: Talk, eventually: Eventually):
    talk.follow(
        rule("gone on", says("Here I am."), prompt="interrupted"),
        rule("first", calls("list_projects"), says("late", fault="hang")),
    )
    await talk.say("hello")
    stopping = asyncio.create_task(talk.chatter.answer_one())
    await eventually(lambda: talk.said("tool_result"))
    stopping.cancel()
    await asyncio.wait({stopping})
    assert await talk.chatter.answer_one()
    assert await talk.said("answer") == ["Here I am."]


async def test_a_turn_that_kills_every_worker_is_given_up(talk: Talk):
    await talk.say("be the end of me")
    for _ in range(3):
        async with talk.database.begin() as connection:
            assert await take_turn(connection, owner="dies") is not None
        await expire_lease(talk)
    assert await talk.chatter.answer_one()
    assert "say it again" in (await talk.said("answer"))[0]
    assert talk.requests == 0


async def test_an_interrupted_turn_ends_at_once_and_the_next_message_is_answered(talk: Talk, eventually: Eventually):
    talk.follow(rule("slow", says("never", fault="hang"), prompt="slow"), rule("any", says("Yes.")))
    await talk.say("slow")
    answering = asyncio.create_task(talk.chatter.answer_one())
    await eventually(lambda: talk.requests)
    async with talk.database.begin() as connection:
        assert await chat.interrupt_turn(connection, talk.id) is not None
    talk.chatter.wake()
    async with asyncio.timeout(5):
        assert await answering
    assert await talk.said("answer") == ["(interrupted)"]
    assert await talk.ask("and now?") == "Yes."


async def test_without_money_nothing_is_asked_and_a_sentence_says_so(talk: Talk):
    talk.follow(rule("any", says("Yes.")))
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE orchestrator_agents SET budget_usd = 0"))
    assert "is used up" in await talk.ask("hello?")
    assert talk.requests == 0
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE orchestrator_agents SET budget_usd = 0.000001"))
    assert "is used up" in await talk.ask("hello?"), "the gateway refuses what no money is left for"
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE orchestrator_agents SET budget_usd = 5"))
    assert await talk.ask("hello?") == "Yes."


async def test_without_a_credential_the_answer_says_what_to_set(talk: Talk):
    silent = replace(talk.conversations, has_credential=False)
    await talk.say("hello?")
    assert await Chatter(talk.database, silent, worker_id="w1").answer_one()
    (answer,) = await talk.said("answer")
    assert "ANTHROPIC_API_KEY" in answer
    assert talk.requests == 0


async def test_most_of_the_money_being_spent_is_told_once_in_the_conversation(talk: Talk, eventually: Eventually):
    talk.follow(rule("any", says("Yes.")))
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE orchestrator_agents SET budget_usd = 5"))
    await talk.ask("one")
    assert await talk.said("notice") == []
    async with talk.database.begin() as connection:
        await connection.execute(text("UPDATE workflow_budgets SET spent_usd = 4.1"))
    await talk.ask("two")
    (told,) = await eventually(lambda: talk.said("notice"))
    spent, _, advice = told.partition(" of the budget of this conversation for the month, $5.00, are spent (82 %). ")
    assert Decimal(spent.removeprefix("$")) > Decimal(4)
    assert advice == "Raise it with `adw chat --budget USD`."
    await talk.ask("three")
    assert len(await talk.said("notice")) == 1


async def test_a_budget_that_all_share_and_one_of_an_agent_are_told_there_too(talk: Talk):
    async with talk.database.begin() as connection:
        new = NewAgent(orchestrator_agent_id=talk.id, name="scout", system_prompt="Look.", tools=(), created_by="A")
        agent = await create_agent(connection, new)
    spent = {"spent_usd": Decimal(9), "budget_usd": Decimal(10)}
    await tell_of_warning(talk.database, BudgetWarning(adw_id=f"agent:{agent.id}:2026-05", **spent))
    shared = BudgetWarning(adw_id=f"chat:{talk.id}:2026-05", scope=BudgetScope.GLOBAL_MONTH, **spent)
    await tell_of_warning(talk.database, shared)
    told = await talk.said("notice")
    assert told == [
        "$9.00 of the budget of agent scout for the month, $10.00, are spent (90 %).",
        "$9.00 of the budget of this month for all projects, $10.00, are spent (90 %). See `adw budget list`.",
    ]
    async with talk.database.read() as connection:
        for account in ("0a1b2c3d", "chat:x:2026-05", f"other:{talk.id}", f"agent:{talk.id}:2026-05"):
            assert await reader_of(connection, account) is None


async def test_a_reset_conversation_remembers_nothing_and_stays_readable(talk: Talk):
    talk.follow(rule("knows", says("Ada."), any_text="I am Ada Lovelace"), rule("any", says("Who knows.")))
    assert await talk.ask("I am Ada Lovelace") == "Ada."
    async with talk.database.begin() as connection:
        await chat.forget_conversation(connection, talk.id)
    assert await talk.ask("who am I?") == "Who knows."
    assert len(await talk.said("message")) == 2
    async with talk.database.begin() as connection:
        assert await chat.clear_history(connection, talk.id) == 5
    assert await talk.said() == []


async def test_a_failure_wakes_it_once_and_what_only_people_may_order_is_not_there(
    talk: Talk, make_workflow: MakeWorkflow
):
    talk.follow(
        rule("woken", calls("retry", adw_id="nothing"), says("It failed."), prompt="events", has_tool="retry"),
    )
    workflow = await make_workflow()
    async with talk.database.begin() as connection:
        await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=NewEvent(type=EventType.WORKFLOW_STARTED))
        failed = NewEvent(type=EventType.WORKFLOW_FAILED, message="the tests are red")
        await transition(connection, workflow.adw_id, to=Status.FAILED, event=failed)
    assert await talk.chatter.feed_once() == 1
    assert await talk.chatter.feed_once() == 0
    assert await talk.chatter.answer_one()
    assert await talk.said("answer") == ["It failed."]
    (asked, _) = talk.model.journal.entries
    assert asked.rule == "woken"
    async with talk.database.read() as connection:
        assert (await require_workflow(connection, workflow.adw_id)).status is Status.FAILED


async def test_events_wait_through_quiet_hours_and_are_dropped_while_it_is_switched_off(
    talk: Talk, make_workflow: MakeWorkflow
):
    talk.follow(rule("any", says("Seen.")))
    workflow = await make_workflow()

    async def happen():
        async with talk.database.begin() as connection:
            await append_event(connection, workflow.adw_id, NewEvent(type=EventType.APPROVAL_REQUESTED, message="?"))
        await talk.chatter.feed_once()

    async def change(what: str):
        async with talk.database.begin() as connection:
            await connection.execute(text(f"UPDATE orchestrator_agents SET {what}"))

    minute = (
        "extract(hour FROM now() AT TIME ZONE 'UTC')::int * 60 + extract(minute FROM now() AT TIME ZONE 'UTC')::int"
    )
    await change(f"quiet_from = ({minute} + 1430) % 1440, quiet_until = ({minute} + 20) % 1440")
    await happen()
    assert not await talk.chatter.answer_one()
    assert await talk.ask("are you there?") == "Seen.", "people are answered at any time"
    await change("quiet_from = NULL, quiet_until = NULL")
    assert await talk.chatter.answer_one()
    assert not await talk.chatter.answer_one()
    await change("wake = false")
    await happen()
    await change("wake = true")
    await happen()
    assert await talk.chatter.answer_one()
    assert len(await talk.said("answer")) == 3


async def test_red_checks_wake_it_by_the_round_they_begin_and_other_queueing_does_not(
    talk: Talk, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    begun = NewEvent(type=EventType.WORKFLOW_QUEUED, message="round 1: checks failed", data={"causes": ["checks"]})
    for event in (NewEvent(type=EventType.WORKFLOW_QUEUED, message="queued"), begun):
        async with talk.database.begin() as connection:
            await append_event(connection, workflow.adw_id, event)
    assert await talk.chatter.feed_once() == 1
    async with talk.database.read() as connection:
        (item,) = await chat.open_items(connection, talk.id)
    assert item.body == "workflow_queued: round 1: checks failed"


async def test_an_event_of_a_transaction_that_ends_late_is_not_missed(talk: Talk, make_workflow: MakeWorkflow):
    late, soon = await make_workflow(), await make_workflow(issue_number=2)
    asked = NewEvent(type=EventType.APPROVAL_REQUESTED, message="?")
    async with talk.database.begin() as slow:
        await append_event(slow, late.adw_id, asked)
        async with talk.database.begin() as quick:
            await append_event(quick, soon.adw_id, asked)
        assert await talk.chatter.feed_once() == 0, "what comes after an open transaction waits for it"
    assert await talk.chatter.feed_once() == 2
    assert await open_states(talk) == ["waiting", "waiting"]


async def test_a_lost_session_begins_anew_and_says_so(talk: Talk):
    talk.follow(rule("any", says("Yes.")))
    await talk.ask("hello")
    async with talk.database.begin() as connection:
        await connection.execute(text("DELETE FROM agent_session_entries"))
    assert await talk.ask("hello again") == "Yes."
    assert any("is forgotten" in words for words in await talk.said("notice"))


async def test_nothing_is_written_by_a_worker_that_lost_the_turn(talk: Talk):
    await talk.say("hello")
    async with talk.database.begin() as connection:
        turn = await take_turn(connection, owner="first")
    assert turn is not None
    async with talk.database.begin() as connection:
        await chat_turns.give_back(connection, turn)
    stale = replace(turn, owner="somebody else")
    with pytest.raises(LostTurnError):
        async with talk.database.begin() as connection:
            await chat_turns.note(connection, stale, kind="text", message="late")
    assert await talk.said("text") == []
