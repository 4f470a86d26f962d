from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adw.domain.events import EventType
from adw.kit.errors import ConfigurationError
from adw.kit.process import Door
from adw.workflows.containment import confine_agent, confine_commands, isolation, isolation_line, warn_if_open
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import EDITOR, READ_ONLY
from adw.workspace.sandbox import HostContainment


def ctx_with(play: Any, operator: Any) -> PhaseContext:
    services = replace(play.run.services, containment=HostContainment(operator=operator, platform="linux"))
    return replace(play.ctx(), run=replace(play.run, services=services))


async def test_what_is_off_is_said_in_an_event_and_in_the_evidence(play):
    ctx = ctx_with(play, "off")
    await warn_if_open(ctx)
    [told] = await play.events(EventType.PHASE_PROGRESS)
    assert told.message.startswith("warning: the sandbox is off")
    assert told.data["isolation"] == isolation(ctx) == "off"
    assert "not contained" in isolation_line(ctx)
    assert confine_agent(ctx, cwd=play.workspace.path, workspace=None, policy=EDITOR) is None


async def test_work_that_has_to_be_shut_in_runs_nowhere_else(play, tmp_path):
    ctx = ctx_with(play, "off")
    workflow = replace(ctx.run.workflow, trigger={"needsContainment": True})
    strict = replace(ctx, run=replace(ctx.run, workflow=workflow))
    with pytest.raises(ConfigurationError, match="without write permission"):
        confine_agent(strict, cwd=play.workspace.path, workspace=None, policy=EDITOR)
    with pytest.raises(ConfigurationError, match="nothing is contained"):
        confine_commands(strict, play.workspace, report_dir=tmp_path)
    contained = replace(strict, run=replace(ctx_with(play, "auto").run, workflow=workflow))
    assert confine_commands(contained, play.workspace, report_dir=tmp_path) is not None


async def test_what_is_contained_needs_no_warning(play):
    ctx = ctx_with(play, "auto")
    await warn_if_open(ctx)
    assert await play.events(EventType.PHASE_PROGRESS) == []
    assert isolation_line(ctx) == "Agents and commands were contained: bubblewrap."


@pytest.mark.parametrize(("policy", "may_write"), [(EDITOR, True), (READ_ONLY, False)])
async def test_an_agent_gets_the_door_to_the_gateway_and_its_policy_s_right_to_the_tree(play, policy, may_write):
    play.gateway.door = Door(port=9100, socket=play.workspace.path / "g.sock")
    found = confine_agent(ctx_with(play, "auto"), cwd=play.workspace.path, workspace=play.workspace, policy=policy)
    assert found is not None
    assert found.ways_out == (play.gateway.door,)
    assert (play.workspace.path in found.writable) is may_write


async def test_commands_get_a_place_for_reports_and_no_door(play, tmp_path):
    found = confine_commands(ctx_with(play, "auto"), play.workspace, report_dir=tmp_path / "reports")
    assert found is not None
    assert found.ways_out == ()
    assert tmp_path / "reports" in found.writable
    assert found.env["HOME"] == str(tmp_path / play.workflow.adw_id / "home")
