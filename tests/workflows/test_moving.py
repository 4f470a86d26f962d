"""A workflow that is taken over on another host finds a home there, although its steps are only replayed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import text

from adw.ports.workspace import RepositoryRef
from adw.store.events import get_workflow_events
from adw.store.leases import PortPair, lease_hosts, lease_ports
from adw.workflows.worktree import open_worktree, set_up

FIRST, SECOND = PortPair(backend=9101, frontend=9201), PortPair(backend=9102, frontend=9202)


class House:
    """What a host has: workspaces, commands and access to repositories. `calls` are those that matter here."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.calls = []

    def repository(self, project):
        return RepositoryRef(project_id=project.id, source="/source", remote="/remote")

    async def prepare(self, _spec):
        self.calls.append("prepare")
        return self.workspace

    async def open(self, _spec):
        self.calls.append("open")
        return self.workspace

    def detect(self, _path, _commands):
        return type("Commands", (), {"setup": None})()

    def environment_hash(self, _path, _commands):
        return "hash"

    async def run_setup(self, _commands, *, place):  # noqa: ARG002 # where it is done does not matter
        self.calls.append("set up")

    def write(self, _workspace, _checkout, _globs, ports):
        self.calls.append(f"ports {ports.backend}")


@pytest.fixture
def at(play, tmp_path):
    """The same leg's context on a host of its own, with the records it would find there."""

    def on(host, pairs):
        house = cast("Any", House(play.workspace))
        services = replace(
            play.run.services,
            host=host,
            workspaces=house,
            access=house,
            commands=house,
            port_pairs=pairs,
            write_private_files=house.write,
            work_dir=tmp_path / host,
        )
        return house, replace(play, run=replace(play.run, services=services, leg=play.leg, opened={})).ctx()

    return on


async def lives_at(play):
    async with play.database.read() as connection:
        return (await lease_hosts(connection))[play.run.adw_id]


async def test_on_another_host_it_takes_ports_there_and_is_set_up_again(play, at):
    _, ctx = at("here", [FIRST])
    worktree = await open_worktree(ctx, branch="b")
    await set_up(ctx, worktree)
    assert (worktree.ports, worktree.has_moved, await lives_at(play)) == (FIRST, False, "here")

    house, ctx = at("there", [SECOND])
    worktree = await open_worktree(ctx, branch="b")
    await set_up(ctx, worktree)

    assert (worktree.ports, await lives_at(play)) == (SECOND, "there")
    assert house.calls == ["open", "ports 9102", "set up"]
    assert (await play.now()).backend_port == 9102


async def test_on_the_same_host_nothing_is_done_twice(play, at):
    _, ctx = at("here", [FIRST])
    await set_up(ctx, await open_worktree(ctx, branch="b"))
    house, ctx = at("here", [FIRST])
    await set_up(ctx, await open_worktree(ctx, branch="b"))
    assert house.calls == ["open"]


async def test_where_all_ports_are_in_use_it_waits_for_work_that_comes_to_rest(play, at, make_workflow, eventually):
    other = (await make_workflow(issue_number=2)).adw_id
    async with play.database.begin() as connection:
        await lease_ports(connection, adw_id=other, host="here", candidates=[FIRST], is_free=lambda _port: True)
        await be("active", other, connection)
    _, ctx = at("here", [FIRST])
    opening = asyncio.create_task(open_worktree(ctx, branch="b"))
    told = await eventually(lambda: said(play, "all ports for workspaces are in use"))
    assert len(told) == 1
    assert not opening.done()
    async with play.database.begin() as connection:
        await be("completed", other, connection)
    assert (await opening).ports == FIRST


async def said(play, words):
    async with play.database.read() as connection:
        return [each for each in await get_workflow_events(connection, play.run.adw_id) if words in each.message]


async def be(status, adw_id, connection):
    await connection.execute(
        text("UPDATE adw_workflows SET status = :status WHERE adw_id = :id"), {"id": adw_id, "status": status}
    )
