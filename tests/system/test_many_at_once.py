from __future__ import annotations

import time

import pytest
from repositories import git
from script import straight

from adw.store.leases import list_leases

MANY = 6


@pytest.mark.slow
@pytest.mark.runtime("plain")
@pytest.mark.timeout(360)
async def test_workflows_at_once_share_nothing(scene, repository):
    scene.model.follow(straight())
    accepted = [await scene.accept(repository, prompt=f"Say farewell {number}") for number in range(MANY)]
    worker = scene.fork_worker()
    begin = time.monotonic()
    flows = [await scene.completed(each.adw_id, timeout_s=300) for each in accepted]
    print(f"{MANY} workflows in {time.monotonic() - begin:.1f} s")

    assert {flow.pr_state for flow in flows} == {"ready"}
    ports = [port for flow in flows for port in (flow.backend_port, flow.frontend_port)]
    for each in (ports, [f.branch_name for f in flows], [f.worktree_path for f in flows], [f.pr_number for f in flows]):
        assert len(set(each)) == len(each)
    assert len(ports) == 2 * MANY
    for flow in flows:
        assert git(repository, "rev-parse", flow.branch_name) == flow.head_sha
        assert git(repository, "log", "--format=%s", f"main..{flow.branch_name}").count("\n") == 1
        events = await scene.events(flow.adw_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [scene.model.conversations(role) for role in ("classifier", "planner", "implementor")] == [MANY] * 3
    worker.stop()
    await scene.nothing_survives()
    async with scene.foundation.database.read() as connection:
        leased = await list_leases(connection)
    assert {str(lease["adw_id"]) for lease in leased} == {flow.adw_id for flow in flows}
    data = scene.folder / "data"
    assert {path.name for path in (data / "trees").iterdir() if path.is_dir()} >= {flow.adw_id for flow in flows}
    assert not [path for path in data.rglob("*.lock") if path.name in {"index.lock", "HEAD.lock", "config.lock"}]
