"""A limit of the model API: everybody waits for its end, once; nobody asks meanwhile, and nothing fails.

`ADW_TEST_RESET_S=60 pytest tests/system/test_limits.py` shows the same with a limit of a minute.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from script import always, fault, scenario, straight

pytestmark = pytest.mark.runtime("plain")

MANY = 16
RESET_S = int(os.environ.get("ADW_TEST_RESET_S", "4"))


@pytest.mark.timeout(150 + 2 * RESET_S)
async def test_sixteen_workflows_wait_once_and_go_on_once(scene, repository):
    scene.env |= {"ADW_LONGEST_HOLD_S": "0", "ADW_MAX_CONCURRENT_WORKFLOWS": str(MANY)}
    accepted = [await scene.accept(repository, "plan", prompt=f"Say farewell {number}") for number in range(MANY)]
    scene.model.follow(scenario(always("limited", fault(429, retry_after_s=RESET_S))))
    scene.fork_worker()
    waiting = [await scene.becomes(each.adw_id, "waiting") for each in accepted]
    refused = len(scene.model.journal.entries)
    assert {(each.status, each.wait_reason) for each in waiting} == {("waiting", "usage_limit")}
    first_end = min(each.resume_at for each in waiting)
    print(f"all wait {first_end - datetime.now(UTC)} before the limit's end")
    scene.model.follow(straight())
    assert datetime.now(UTC) < first_end, "the machine is too slow for this test: let the limit last longer"
    while datetime.now(UTC) < first_end:
        assert not scene.model.journal.entries, "nothing is asked while the limit lasts"
        await asyncio.sleep(0.02)

    flows = [await scene.becomes(each.adw_id, "completed") for each in accepted]

    resumed = []
    for flow in flows:
        [paused] = await scene.events(flow.adw_id, "workflow_waiting")
        [went_on] = await scene.events(flow.adw_id, "workflow_resumed")
        assert paused.data["reason"] == "usage_limit"
        assert datetime.fromisoformat(paused.data["resumesAt"]) <= went_on.created_at
        assert went_on.created_at > first_end
        resumed.append(went_on.created_at)
        assert not await scene.events(flow.adw_id, "workflow_failed", "phase_failed")
        assert flow.resume_at is None
    ahead, *others = sorted(resumed)
    print(f"{refused} refused before the limit was known; the others followed {min(others) - ahead} after the first")
    assert all((later - earlier).total_seconds() > 0.1 for earlier, later in pairwise(others))
    assert refused <= MANY
    assert len({entry.digest for entry in scene.model.asked("classifier")}) == MANY
