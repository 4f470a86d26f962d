"""What a person wants to be otherwise when phases are done again or a second run is begun: models, and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adw.domain.agent import ModelSet
from adw.domain.events import EventType, NewEvent
from adw.domain.message import MAX_MESSAGE_CHARS, Message
from adw.domain.workflow import Workflow, WorkflowOptions
from adw.kit.errors import UsageError
from adw.store.db import Connection
from adw.store.events import append_event
from adw.store.messages import leave_message
from adw.store.workflows import options_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """What is left out stays. `model` is that of all agents from now on, `message` what the next of them is told."""

    model_set: ModelSet | None = None
    model: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for words that say nothing or too much."""
        if self.message is not None:
            check_message(self.message)

    def set_of(self, workflow: Workflow) -> ModelSet:
        return self.model_set or workflow.model_set

    def options_of(self, workflow: Workflow) -> WorkflowOptions:
        """A set that is named takes the place of a single model that was chosen before."""
        kept = None if self.model_set is not None else workflow.options.model
        return replace(workflow.options, model=self.model or kept)

    def changes(self, workflow: Workflow) -> Mapping[str, Any]:
        """Of the workflow's columns; nothing when its models stay."""
        if self.model_set is None and self.model is None:
            return {}
        return {"model_set": self.set_of(workflow).value, "options": options_to(self.options_of(workflow))}

    @property
    def told(self) -> Mapping[str, Any]:
        """For the event that tells of it."""
        known = {"modelSet": self.model_set and self.model_set.value, "model": self.model}
        return {name: value for name, value in known.items() if value is not None}

    async def say(self, connection: Connection, adw_id: str, *, actor: str) -> None:
        """Leaves the message, if there is one, for the next conversation."""
        if self.message is not None:
            await leave_words(connection, adw_id, words=self.message, actor=actor)


AS_BEFORE = Otherwise()


async def leave_words(
    connection: Connection, adw_id: str, *, words: str, actor: str, key: str | None = None
) -> Message:
    """A message for the workflow's agents, with its event."""
    message = await leave_message(connection, adw_id=adw_id, author=actor, body=words.strip(), key=key)
    event = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        message=f"{actor} says: {message.body}",
        data={"messageId": str(message.id), "by": actor, "text": message.body},
    )
    await append_event(connection, adw_id, event)
    return message


def check_message(text: str) -> None:
    """Raises UsageError."""
    if not text.strip():
        raise UsageError("the message says nothing", hint='for example `adw agent send ID "Use the old format"`')
    if len(text) > MAX_MESSAGE_CHARS:
        raise UsageError(
            f"the message is longer than {MAX_MESSAGE_CHARS} characters", hint="put it into the repository"
        )
