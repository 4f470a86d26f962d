from __future__ import annotations

import pytest

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.intake.dependencies import MOST
from adw.kit.errors import NotFoundError, UsageError
from adw.store.workflows import transition

TOLD = NewEvent(type=EventType.WORKFLOW_UPDATED)


async def end(database, adw_id, *statuses):
    async with database.begin() as connection:
        for status in statuses:
            await transition(connection, adw_id, to=status, event=TOLD)


async def test_work_names_what_it_waits_for_by_the_beginning_of_an_id_each_once(door, repository):
    first = (await door.accept(repository)).workflow
    second = await door.accept(repository, depends_on=(first.adw_id[:7], first.adw_id), priority=3)
    assert second.workflow.depends_on == (first.adw_id,)
    assert second.workflow.priority == 3
    assert second.notes == ()


async def test_an_unknown_or_cancelled_workflow_cannot_be_waited_for_and_nothing_is_made(door, database, repository):
    first = (await door.accept(repository)).workflow
    await end(database, first.adw_id, Status.CANCELLED)
    made = await door.made()
    with pytest.raises(NotFoundError):
        await door.accept(repository, depends_on=("zzzzzzzz",))
    with pytest.raises(UsageError, match="never be done"):
        await door.accept(repository, depends_on=(first.adw_id,))
    with pytest.raises(UsageError, match="more than"):
        await door.accept(repository, depends_on=(first.adw_id,) * (MOST + 1))
    assert await door.made() == made


async def test_waiting_for_work_that_has_failed_is_accepted_with_a_word_about_it(door, database, repository):
    first = (await door.accept(repository)).workflow
    await end(database, first.adw_id, Status.ACTIVE, Status.FAILED)
    second = await door.accept(repository, depends_on=(first.adw_id,))
    assert any(f"adw workflow retry {first.adw_id}" in note for note in second.notes)


async def test_the_limit_of_the_base_commit_is_kept_with_the_workflow(door, repository):
    repository.commit(adw__toml="[project]\nmax_concurrent = 2\n")
    limited = (await door.accept(repository)).workflow
    repository.commit(adw__toml="[project]\nmax_concurrent = 9\n")
    assert limited.project_limit == 2
