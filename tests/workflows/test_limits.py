from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adw.agents.scripted import answers, fails
from adw.domain.config import AgentsTable
from adw.domain.failover import FallbackReason
from adw.domain.failure import FailureClass
from adw.domain.limits import Limit, LimitKind
from adw.domain.status import Status
from adw.ports.gateway import GatewayVerdict
from adw.store.workflows import require_workflow
from adw.workflows.conversation import converse
from adw.workflows.endings import LegEnded, PhaseFailed

END = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
LIMIT = Limit(credential="c", kind=LimitKind.USAGE_LIMIT, resets_at=END)


def configured(play, **agents):
    play.run = replace(play.run, config=play.run.config.model_copy(update={"agents": AgentsTable(**agents)}))


async def row(play):
    async with play.database.read() as connection:
        return await require_workflow(connection, play.workflow.adw_id)


async def test_while_a_limit_lasts_no_agent_is_started_and_the_workflow_waits(play):
    play.gateway.limit = LIMIT

    with pytest.raises(LegEnded, match="waiting for the end of the usage limit of the model API, which ends at 2030"):
        await converse(play.ctx(), play.editing)

    found = await row(play)
    assert (found.status, found.wait_reason, found.resume_at) == (Status.WAITING, "usage_limit", END)
    assert found.wait_scope == "c/"
    assert play.gateway.grants == []
    assert play.runtime.tasks == []


async def test_an_agent_stopped_by_a_limit_lets_its_workflow_wait(play):
    play.gateway.says = GatewayVerdict(limit=LIMIT, last_status=429)
    play.script(fails(FailureClass.TRANSIENT, "429", retryable=True))

    with pytest.raises(LegEnded):
        await converse(play.ctx(), play.editing)

    assert (await row(play)).resume_at == END
    assert len(play.gateway.grants) == 1, "it is not tried again meanwhile"


async def test_a_project_that_does_not_want_to_wait_gets_a_failure(play):
    configured(play, wait_for_limit=False)
    play.gateway.limit = LIMIT

    with pytest.raises(PhaseFailed) as failed:
        await converse(play.ctx(), play.editing)

    assert failed.value.failure_class is FailureClass.USAGE_LIMIT


async def test_with_another_model_for_limits_the_agent_is_started_all_the_same(play):
    configured(play, fallback=("second",), fallback_on=(FallbackReason.LIMIT,))
    play.gateway.limit = LIMIT
    play.script(answers())

    await converse(play.ctx(), play.editing)

    [grant] = play.gateway.grants
    assert (grant.fallback, grant.fallback_on) == (("second",), (FallbackReason.LIMIT,))
