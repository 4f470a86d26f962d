"""Giving up on runs that keep killing their executors, and only on those."""

from __future__ import annotations

import signal


async def test_a_run_that_gets_nowhere_is_given_up_after_so_many_recoveries(scene):
    """Upstream's own cap counts every start over a run's life; it is switched off."""
    await scene.enqueue("r1", {"name": "a", "gate": "never"})
    await scene.worker(max_recoveries=2)
    await scene.saw("begin", "r1", "a")
    scene.processes[-1].kill()
    await scene.worker(max_recoveries=2)
    await scene.eventually(lambda: len(scene.lines("begin", "r1", "a")) == 2)
    scene.processes[-1].kill()
    await scene.worker(max_recoveries=2)
    await scene.saw("exhausted", "r1")
    await scene.becomes("r1", "exhausted")
    assert len(scene.lines("recovered")) == 1


async def test_progress_starts_the_count_anew(scene):
    await scene.enqueue("r1", {"name": "a", "gate": "a"}, {"name": "b", "gate": "b"})
    for turn in range(3):
        await scene.worker(max_recoveries=2)
        await scene.eventually(lambda: len(scene.lines("begin", "r1", "a")) > turn)  # noqa: B023 - awaited at once
        (scene.folder / "progress-r1").write_text(f"turn-{turn}")
        scene.processes[-1].kill()
    scene.allow("a")
    await scene.worker(max_recoveries=2)
    await scene.saw("begin", "r1", "b")
    scene.processes[-1].kill()
    scene.allow("b")
    await scene.worker(max_recoveries=2)
    await scene.becomes("r1", "completed")
    assert not scene.lines("exhausted")


async def test_a_graceful_close_counts_for_nothing(scene):
    await scene.enqueue("r1", {"name": "a", "gate": "a"})
    for turn in range(3):
        worker = await scene.worker(max_recoveries=1, grace_s=0)
        await scene.eventually(lambda: len(scene.lines("begin", "r1", "a")) > turn)  # noqa: B023 - awaited at once
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
    await scene.worker(max_recoveries=1)
    scene.allow("a")
    await scene.becomes("r1", "completed")
