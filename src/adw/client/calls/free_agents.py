"""Calls about agents outside of workflows."""

from __future__ import annotations

from adw.client import types as t
from adw.client.calls.call import Call, segment

_BASE = "/api/orchestrator/agents"


def listed(*, deleted: bool) -> Call[t.FreeAgentListDict]:
    return Call(method="GET", path=_BASE, params={"deleted": deleted})


def create(name: str, fields: t.NewAgentFields, *, actor: str, key: str | None) -> Call[t.FreeAgentDict]:
    return Call(method="POST", path=_BASE, body={**fields, "name": name, "actor": actor}, key=key)


def shown(name: str) -> Call[t.FreeAgentDetailDict]:
    return Call(method="GET", path=f"{_BASE}/{segment(name)}")


def command(name: str, words: str, *, actor: str, key: str | None) -> Call[t.AgentCommandDict]:
    body = {"command": words, "actor": actor}
    return Call(method="POST", path=f"{_BASE}/{segment(name)}/command", body=body, key=key)


def interrupt(name: str) -> Call[t.StoppedDict]:
    return Call(method="POST", path=f"{_BASE}/{segment(name)}/interrupt")


def delete(name: str) -> Call[t.FreeAgentDict]:
    return Call(method="DELETE", path=f"{_BASE}/{segment(name)}")


def log(name: str, *, after: int | None, limit: int) -> Call[t.AgentLogDict]:
    return Call(method="GET", path=f"{_BASE}/{segment(name)}/logs", params={"after": after, "limit": limit})


def templates(*, project: str | None) -> Call[t.AgentTemplateListDict]:
    return Call(method="GET", path="/api/orchestrator/templates", params={"project": project})
