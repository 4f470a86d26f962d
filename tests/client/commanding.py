"""Every call about free agents, once."""

from __future__ import annotations

from adw.client import AsyncAdwClient


async def command(client: AsyncAdwClient) -> None:
    made = await client.create_agent("helper", template="researcher", tools=["Read"], key="k")
    assert (await client.free_agents())["agents"] == [made]
    told = await client.command_agent("helper", "Look around", key="k")
    assert (await client.free_agent("helper"))["openCommands"] == [told]
    assert (await client.interrupt_agent("helper"))["commands"] == [told["id"]]
    assert (await client.agent_log("helper", after=0))["agentId"] == made["id"]
    assert (await client.delete_agent("helper"))["status"] == "deleted"
    assert "builder" in {each["name"] for each in (await client.agent_templates())["templates"]}
