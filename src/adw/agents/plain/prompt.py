"""What the model is told besides the conversation itself: who it is, where it works, and our few reminders."""

from __future__ import annotations

from typing import Any

from adw.agents.plain.definitions import offered
from adw.agents.plain.transcript import Transcript
from adw.agents.policy import ANSWER_TOOL
from adw.domain.agent import AgentTask

MARK = "[agent runtime]"
"""Begins whatever we say ourselves in a conversation."""

ASK_FOR_ANSWER = (
    f"{MARK} Your work is not complete without its answer. Call {ANSWER_TOOL} now, in the form it asks for."
)
ASK_TO_SPEAK = f"{MARK} Nothing was heard from you. Go on, or say in words what you have done."
ASK_TO_GO_ON = f"{MARK} You reached the limit of one answer. Go on where you stopped, in smaller pieces."

_WITH_TOOLS = """You work on the files of one folder, by means of the tools you are given.
Use Read, Glob and Grep to look, Write and Edit to change, Bash to run commands, as far as you have them.
Read a file before you change it, and change no more than the task needs."""


def request_body(task: AgentTask, transcript: Transcript, *, max_tokens: int) -> dict[str, Any]:
    """The next request. Everything up to its end can be read from the model's cache by the one after it."""
    tools = offered(task)
    return {
        "model": task.model,
        "max_tokens": max_tokens,
        "stream": True,
        "metadata": {"user_id": transcript.key.session_id},
        "system": [_cached({"type": "text", "text": _system(task)})],
        "messages": _with_cache_mark(transcript.messages),
        **({"tools": tools} if tools else {}),
    }


def _system(task: AgentTask) -> str:
    head = f"ADW role: {task.role}\nADW phase: {task.phase}"
    about = [_WITH_TOOLS] if task.policy.tools else []
    return "\n\n".join([head, *about, task.system, f"Working directory: {task.cwd}"])


def _with_cache_mark(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    *before, last = messages
    *blocks, end = last["content"]
    return [*before, {**last, "content": [*blocks, _cached(end)]}]


def _cached(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "cache_control": {"type": "ephemeral"}}
