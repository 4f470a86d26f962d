"""What happens to runs when workers die, freeze or start again. Each test names the upstream behaviour it guards."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.timeout(60)


async def test_a_killed_worker_restarted_on_its_host_continues_where_it_stopped(scene):
    """Upstream recovers at launch the runs of its own executor id only; ours is new at each boot."""
    first = await scene.worker()
    await scene.enqueue("r1", "a", {"name": "b", "gate": "b"}, "c")
    await scene.saw("begin", "r1", "b")
    first.kill()
    first.wait()
    await scene.worker()
    scene.allow("b")
    await scene.becomes("r1", "completed")
    assert len(scene.lines("begin", "r1", "a")) == 1
    assert len(scene.lines("begin", "r1", "b")) == 2
    assert len(scene.lines("begin", "r1", "c")) == 1
