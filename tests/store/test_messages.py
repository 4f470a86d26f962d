from __future__ import annotations

from adw.ports.sessions import TranscriptEntry, TranscriptKey
from adw.store.agent_outputs import create_agent_output
from adw.store.messages import for_conversation, leave_message, list_messages, mark_delivered, undelivered
from adw.store.sessions import PostgresTranscripts, was_said


async def test_messages_stay_in_order_and_are_delivered_to_one_conversation(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.begin() as connection:
        one, two = [await leave_message(connection, adw_id=adw_id, author="ann", body=body) for body in ("a\0", "b")]
        first, other = [
            await create_agent_output(connection, adw_id=adw_id, agent_name=name, phase="build")
            for name in ("implementor", "reviewer")
        ]
        assert [each.body for each in await undelivered(connection, adw_id)] == [one.body, "b"]
        assert await mark_delivered(connection, [], output_id=first.id) == []
        heard = await mark_delivered(connection, [one.id], output_id=first.id)
        assert [each.id for each in heard] == [one.id]
        assert await mark_delivered(connection, [one.id], output_id=other.id) == []
        assert [each.id for each in await undelivered(connection, adw_id)] == [two.id]
        listed = await list_messages(connection, adw_id)
    assert [each.agent_output_id for each in listed] == [first.id, None]


async def test_a_conversation_is_given_its_own_those_of_its_forerunners_and_the_unheard(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.begin() as connection:
        ids = [(await leave_message(connection, adw_id=adw_id, author="ann", body=str(n))).id for n in range(3)]
        for number, (phase, attempt) in enumerate((("build", 1), ("test", 1))):
            output = await create_agent_output(
                connection, adw_id=adw_id, agent_name="implementor", phase=phase, attempt=attempt
            )
            await mark_delivered(connection, [ids[number]], output_id=output.id)
        found = await for_conversation(connection, adw_id, phase="build", agent_name="implementor", round_number=0)
    assert [each.id for each in found] == [ids[0], ids[2]]


async def test_only_what_was_said_counts_as_said(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    bodies = {"s1": '{"type": "queue-operation", "content": "hello"}', "s2": '{"type":"user","content":"hello"}'}
    for session, body in bodies.items():
        key = TranscriptKey(project_key=adw_id, session_id=session)
        await PostgresTranscripts(database.engine).append(key, [TranscriptEntry(uuid=None, body=body)])
    async with database.read() as connection:
        said = [
            await was_said(connection, project_key=adw_id, session_id=session, words="hello")
            for session in ("s1", "s2", "s3")
        ]
    assert said == [False, True, False]
