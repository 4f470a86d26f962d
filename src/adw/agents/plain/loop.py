"""The agent loop: ask, carry out what is called for, tell the results, until the model has nothing more to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from adw.agents.failures import Report
from adw.agents.plain import prompt
from adw.agents.plain.answer import problems_with
from adw.agents.plain.request import PlainSettings, ask
from adw.agents.plain.sse import Answer, Event
from adw.agents.plain.tools import ToolResult, Tools
from adw.agents.plain.transcript import Transcript
from adw.agents.policy import ANSWER_TOOL
from adw.agents.tally import Tally
from adw.domain.agent import AgentMessage, AgentTask

_WRONG_ANSWERS = 5
_CUT_ANSWERS = 3

_NEVER_RIGHT = Report(subtype="error_max_structured_output_retries")
_ALWAYS_CUT = Report(subtype="api", text="Every answer of the agent was cut off at the limit of one answer")
_TOO_MANY_TURNS = Report(subtype="error_max_turns")


@dataclass(slots=True)
class Progress:
    """How far a conversation got, known at every instant, however it ends."""

    turns: int = 0
    text: str = ""
    """What was said last."""
    structured: Mapping[str, Any] | None = None
    stop_reason: str | None = None


class Loop:
    """One conversation. `progress` and `tally` are kept up to date while it is held."""

    def __init__(
        self,
        *,
        task: AgentTask,
        transcript: Transcript,
        client: httpx.AsyncClient,
        tools: Tools,
        settings: PlainSettings,
        say: Callable[[AgentMessage], None],
    ) -> None:
        self._task = task
        self._transcript = transcript
        self._client = client
        self._tools = tools
        self._settings = settings
        self._say = say
        self._wrong_answers = 0
        self._cut_answers = 0
        self._was_reminded = False
        self.progress = Progress()
        self.tally = Tally()

    async def hold(self) -> Report | None:
        """Asks the task's prompt and goes on to the end; tells what kept it from one. Raises ModelFailedError."""
        await self._transcript.add_prompt(self._task.prompt)
        while self.progress.turns < self._task.limits.max_turns:
            answer = await self._next_answer()
            calls = [block for block in answer.content if block["type"] == "tool_use"]
            for call in calls:
                await self._carry_out(call)
            if self.progress.structured is not None:
                return None
            if self._wrong_answers >= _WRONG_ANSWERS:
                return _NEVER_RIGHT
            if calls:
                continue
            if answer.stop_reason == "refusal":
                return Report(subtype="api", reason="refusal")
            if self._cut_answers == _CUT_ANSWERS:
                return _ALWAYS_CUT
            reminder = self._reminder(answer)
            if reminder is None:
                return None
            await self._transcript.add_prompt(reminder)
        return _TOO_MANY_TURNS

    async def _next_answer(self) -> Answer:
        body = prompt.request_body(self._task, self._transcript, max_tokens=self._settings.max_output_tokens)
        answer = await ask(self._client, body, settings=self._settings, hear=self._hear, say=self._say)
        self.progress.turns += 1
        self.progress.stop_reason = answer.stop_reason
        self._cut_answers = self._cut_answers + 1 if answer.stop_reason == "max_tokens" else 0
        said = [block for block in answer.content if block["type"] != "text" or block["text"].strip()]
        self.progress.text = "\n".join(block["text"] for block in said if block["type"] == "text")
        if said:  # an empty message would be refused by the API ever after
            await self._transcript.add_answer(said)
        for block in said:
            self._tell(block)
        return answer

    def _reminder(self, answer: Answer) -> str | None:
        """What is said to an agent that stopped without having done its part; the lack of an answer only once."""
        if answer.stop_reason == "max_tokens":
            return prompt.ASK_TO_GO_ON
        if self._was_reminded:
            return None
        self._was_reminded = True
        if self._task.schema is not None:
            return prompt.ASK_FOR_ANSWER
        return None if self.progress.text else prompt.ASK_TO_SPEAK

    async def _carry_out(self, call: Mapping[str, Any]) -> None:
        if call["name"] == ANSWER_TOOL and self._task.schema is not None:
            result = self._take_answer(call["input"], self._task.schema)
        else:
            result = await self._tools.call(call["name"], call["input"], still_waiting=self._still_waiting)
        await self._transcript.add_result(call["id"], text=result.text, is_error=result.is_error)
        self._say(AgentMessage(kind="tool_result", tool_use_id=call["id"], text=result.text, is_error=result.is_error))

    def _still_waiting(self) -> None:
        self._say(AgentMessage(kind="waiting"))

    def _take_answer(self, given: Any, schema: Mapping[str, Any]) -> ToolResult:
        problems = list(problems_with(given, schema))
        if problems:
            self._wrong_answers += 1
            return ToolResult(text="; ".join(problems), is_error=True)
        self.progress.structured = given
        return ToolResult(text="The answer is accepted.")

    def _hear(self, event: Event) -> None:
        self.tally.add_event(event)
        if event.get("type") in {"message_start", "content_block_delta"}:
            delta: Event = event.get("delta") or {}
            text = str(delta["text"]) if delta.get("type") == "text_delta" else ""
            self._say(AgentMessage(kind="delta", text=text))

    def _tell(self, block: Mapping[str, Any]) -> None:
        match block["type"]:
            case "text":
                self._say(AgentMessage(kind="text", text=block["text"]))
            case "thinking" if block["thinking"]:
                self._say(AgentMessage(kind="thinking", text=block["thinking"]))
            case "tool_use":
                self._say(
                    AgentMessage(
                        kind="tool_use", tool_use_id=block["id"], tool_name=block["name"], tool_input=block["input"]
                    )
                )
            case _:
                pass
