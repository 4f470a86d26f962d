"""Calls about conversations with an orchestrator, and about its tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adw.client import types as t
from adw.client.calls.call import Call, segment

_BASE = "/api/orchestrator"


def say(message: str, *, interrupt: bool, actor: str, key: str | None) -> Call[t.PostedDict]:
    body = {"message": message, "interrupt": interrupt, "actor": actor}
    return Call(method="POST", path=f"{_BASE}/chat", body=body, key=key)


def history(*, after: int | None, limit: int) -> Call[t.HistoryDict]:
    return Call(method="GET", path=f"{_BASE}/history", params={"after": after, "limit": limit})


def clear_history() -> Call[t.ClearedDict]:
    return Call(method="DELETE", path=f"{_BASE}/history")


def metrics() -> Call[t.OrchestratorDict]:
    return Call(method="GET", path=f"{_BASE}/metrics")


def choose(choices: t.ChatChoices) -> Call[t.OrchestratorDict]:
    return Call(method="PUT", path=f"{_BASE}/settings", body=choices)


def interrupt() -> Call[t.InterruptedDict]:
    return Call(method="POST", path=f"{_BASE}/interrupt")


def reset() -> Call[t.ResetDict]:
    return Call(method="POST", path=f"{_BASE}/reset")


def tools() -> Call[t.ToolListDict]:
    return Call(method="GET", path=f"{_BASE}/tools")


def look(name: str, arguments: Mapping[str, Any]) -> Call[t.ToolAnswerDict]:
    return Call(method="GET", path=f"{_BASE}/tools/{segment(name)}", params={"input": json.dumps(dict(arguments))})


def use_tool(name: str, arguments: Mapping[str, Any], *, actor: str, key: str | None) -> Call[t.ToolAnswerDict]:
    body = {"arguments": dict(arguments), "actor": actor}
    return Call(method="POST", path=f"{_BASE}/tools/{segment(name)}", body=body, key=key)
