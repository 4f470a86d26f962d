from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.api.stage import WORKFLOWS, Stage

from adw.api.forge_health import ForgeProbe
from adw.control.cleanup import cleanup
from adw.domain.events import EventType
from adw.domain.project import ForgeKind
from adw.domain.status import Status
from adw.kit.errors import ForgeError, GitError
from adw.kit.process import host_identity
from adw.ports.workspace import WorkspaceSpec
from adw.store.db import Database
from adw.store.leases import PortPair, lease_ports, list_leases
from adw.store.projects import ensure_project, get_project
from adw.store.workers import NewWorker, end_workers, mark_drained, register_worker


async def settled(stage: Stage, prompt: str, *, ports: int = 9100) -> tuple[str, Path]:
    """A workflow with a workspace and ports."""
    workflow = await stage.work(prompt)
    async with stage.database.read() as connection:
        project = await get_project(connection, workflow.project_id)
    repository = stage.services.access.repository(project)
    await stage.services.access.prepare_remote(project, base="main", sha=workflow.base_sha)
    spec = WorkspaceSpec(
        adw_id=workflow.adw_id, repository=repository, branch=f"work-{workflow.adw_id}", base_sha=workflow.base_sha
    )
    workspace = await stage.services.workspaces.prepare(spec)
    pair = PortPair(backend=ports, frontend=ports + 100)
    async with stage.database.begin() as connection:
        await lease_ports(
            connection, adw_id=workflow.adw_id, host=host_identity(), candidates=[pair], is_free=lambda _: True
        )
    await stage.change(
        workflow.adw_id,
        worktree_path=str(workspace.path),
        worktree_exists=True,
        backend_port=pair.backend,
        frontend_port=pair.frontend,
    )
    return workflow.adw_id, workspace.path


async def leased(database: Database) -> set[str]:
    async with database.read() as connection:
        return {str(lease["adw_id"]) for lease in await list_leases(connection)}


class TestWorktrees:
    async def test_they_are_listed_with_their_workflows_and_ports(self, stage: Stage):
        adw_id, path = await settled(stage, "one")
        (listed,) = (await stage.http.get("/api/worktrees")).json()["worktrees"]
        assert (listed["adwId"], listed["path"], listed["status"]) == (adw_id, str(path), "queued")
        assert (listed["backendPort"], listed["frontendPort"], listed["removable"]) == (9100, 9200, False)

    async def test_only_those_nobody_needs_are_removed(self, stage: Stage):
        kept = {
            "queued": {},
            "completed": {"to": Status.COMPLETED},
            "failed": {"to": Status.FAILED},
            "completed, open": {"to": Status.COMPLETED, "pr_state": "ready"},
            "failed, draft": {"to": Status.FAILED, "pr_state": "draft"},
            "cancelled, open": {"to": Status.CANCELLED, "pr_state": "ready"},
            "active, merged": {"pr_state": "merged", "active": True},
        }
        gone = {
            "cancelled": {"to": Status.CANCELLED},
            "completed, merged": {"to": Status.COMPLETED, "pr_state": "merged"},
            "failed, closed": {"to": Status.FAILED, "pr_state": "closed"},
        }
        ids: dict[str, tuple[str, Path]] = {}
        for number, (name, state) in enumerate((kept | gone).items()):
            ids[name] = await settled(stage, name, ports=9100 + number)
            await _bring(stage, ids[name][0], **state)
        expected = {ids[name][0] for name in gone}
        listed = (await stage.http.get("/api/worktrees")).json()["worktrees"]
        assert {item["adwId"] for item in listed if item["removable"]} == expected
        planned = (await stage.http.post("/api/worktrees/cleanup", json={"dryRun": True})).json()
        assert {item["adwId"] for item in planned["items"]} == expected
        assert not any(item["removed"] for item in planned["items"])
        assert all(path.is_dir() for _, path in ids.values())
        done = (await stage.http.post("/api/worktrees/cleanup")).json()
        assert {item["adwId"] for item in done["items"] if item["removed"]} == expected
        assert {name for name, (_, path) in ids.items() if path.is_dir()} == set(kept)
        assert await leased(stage.database) == {ids[name][0] for name in kept}
        assert (await stage.http.post("/api/worktrees/cleanup")).json()["items"] == []

    async def test_a_removal_is_told_on_the_workflow(self, stage: Stage):
        adw_id, _ = await settled(stage, "one")
        await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
        await stage.http.post("/api/worktrees/cleanup", json={})
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert (view["worktreeExists"], view["backendPort"], view["frontendPort"]) == (False, None, None)
        events = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()["events"]
        assert events[-1]["message"] == "workspace removed: it was cancelled"

    async def test_ports_of_a_workspace_that_is_gone_already_are_freed(self, stage: Stage):
        adw_id, _ = await settled(stage, "one")
        await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
        await stage.services.workspaces.remove(adw_id)
        (item,) = await cleanup(stage.database, stage.services.workspaces, host=host_identity(), dry_run=False)
        assert (item.adw_id, item.path, item.removed) == (adw_id, None, True)
        assert await leased(stage.database) == set()
        assert (await stage.row(adw_id)).worktree_exists is False

    async def test_one_that_cannot_be_removed_does_not_keep_the_others(self, stage: Stage):
        (first, path), (second, _) = await settled(stage, "one"), await settled(stage, "two", ports=9101)
        for adw_id in (first, second):
            await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
        broken = _Stubborn(stage.services.workspaces, first)
        items = await cleanup(stage.database, broken, host=host_identity(), dry_run=False)
        by_id = {item.adw_id: item for item in items}
        assert (by_id[first].removed, by_id[first].problem) == (False, "it is stuck")
        assert by_id[second].removed is True
        assert path.is_dir()
        assert await leased(stage.database) == {first}

    async def test_one_that_is_needed_again_meanwhile_stays(self, stage: Stage):
        adw_id, path = await settled(stage, "one")
        await _bring(stage, adw_id, to=Status.COMPLETED, pr_state="closed")

        found = await cleanup(stage.database, stage.services.workspaces, host=host_identity(), dry_run=True)
        assert len(found) == 1
        await stage.move(adw_id, Status.QUEUED, EventType.WORKFLOW_QUEUED)
        assert await cleanup(stage.database, stage.services.workspaces, host=host_identity(), dry_run=False) == []
        assert path.is_dir()


class TestWorkers:
    async def test_the_living_and_the_dead_are_listed(self, stage: Stage):
        await _workers(stage)
        listed = {item["id"]: item for item in (await stage.http.get("/api/workers")).json()["workers"]}
        assert {name: item["isLive"] for name, item in listed.items()} == {
            "live": True,
            "late": False,
            "gone": False,
            "drained": True,
        }
        assert listed["gone"]["endReason"] == "closed"


class TestHealth:
    async def test_it_says_who_answers(self, shared: Stage):
        said = (await shared.http.get("/health")).json()
        assert (said["status"], said["service"]) == ("ok", "orchestrator")
        assert said["timestamp"].endswith("Z")

    async def test_it_is_ready_when_a_worker_takes_work(self, stage: Stage):
        before = await stage.http.get("/health/ready")
        assert (before.status_code, before.json()["status"]) == (200, "degraded")
        assert before.json()["database"]["ok"] is True
        assert "adw worker" in before.json()["workers"]["detail"]
        await _workers(stage)
        after = await stage.http.get("/health/ready")
        assert (after.status_code, after.json()["workers"]["detail"]) == (200, "1 working")
        assert after.json()["disk"]["ok"] is True
        assert after.json()["forge"] == {"ok": True, "detail": "local; kept in the database"}
        assert after.json()["status"] == "ok"

    async def test_a_disk_that_cannot_be_looked_at_is_not_ready(self, stage: Stage):
        await _workers(stage)
        stage.app.state.data_dir = Path("/nowhere")
        answer = await stage.http.get("/health/ready")
        assert (answer.status_code, answer.json()["disk"]["ok"], answer.json()["status"]) == (200, False, "degraded")

    @pytest.mark.parametrize(
        ("fault", "detail"), [(ForgeError("it is away from acme/secret"), "forge"), (None, "no answer within 0.01 s")]
    )
    async def test_a_forge_that_is_away_is_told_without_saying_whose(
        self, stage: Stage, fault: ForgeError | None, detail: str
    ):
        await _workers(stage)
        async with stage.database.begin() as connection:
            await ensure_project(
                connection, project_id="p", name="p", forge=ForgeKind.GITHUB, source="acme/secret", base_branch="main"
            )
        away = _AwayForge(fault)
        object.__setattr__(stage.services, "access", away)
        stage.app.state.forge_probe = ForgeProbe(timeout_s=0.01)
        for _ in range(3):
            answer = await stage.http.get("/health/ready")
            assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
            assert detail in answer.json()["forge"]["detail"]
            assert "acme" not in answer.text
        assert away.asked == 1, "what was found out is believed for a while"


async def _bring(
    stage: Stage, adw_id: str, *, to: Status | None = None, pr_state: str = "none", active: bool = False
) -> None:
    if to is not None or active:
        await stage.activate(adw_id)
    if to is not None:
        await stage.move(adw_id, to, EventType.WORKFLOW_UPDATED)
    await stage.change(adw_id, pr_state=pr_state)


async def _workers(stage: Stage) -> None:
    async with stage.database.begin() as connection:
        for name, lease_s in (("live", 60), ("late", -1), ("gone", 60), ("drained", 60)):
            worker = NewWorker(
                id=name, name=name, host_id="h", pid=1, process_started_at=1, concurrency=2, code_revision="r"
            )
            await register_worker(connection, worker, lease_s=lease_s)
        await end_workers(connection, ["gone"], reason="closed")
        await mark_drained(connection, worker_id="drained")


class _AwayForge:
    """A forge that fails, or never answers."""

    def __init__(self, fault: ForgeError | None) -> None:
        self.fault = fault
        self.asked = 0

    def forge(self, _project: object) -> _AwayForge:
        return self

    async def branch_head(self, _branch: str) -> str | None:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        await asyncio.Event().wait()


class _Stubborn:
    """Workspaces of which one cannot be removed."""

    def __init__(self, real, stuck: str) -> None:
        self.real = real
        self.stuck = stuck

    async def list(self):
        return await self.real.list()

    async def remove(self, name: str) -> bool:
        if name == self.stuck:
            raise GitError("it is stuck")
        return await self.real.remove(name)
