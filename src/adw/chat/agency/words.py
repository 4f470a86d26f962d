"""What a free agent is told: who it is, what it is to do, and what happened since it heard last."""

from __future__ import annotations

from functools import cache
from importlib import resources

from adw.domain.free_agent import AgentCommand, CommandState, FreeAgent

_GONE_ON = (
    "You were interrupted while you carried this out, and part of it may be done already. Look at how things stand "
    "before you repeat anything, and read files again before you change them. Then finish it."
)
_STOPPED = "(Your last command was stopped before you were done; what you had changed stands.)"


def system_prompt(agent: FreeAgent) -> str:
    """Its own prompt, how free agents work, and the rules of all agents."""
    parts = (agent.system_prompt.strip(), f"Your name is {agent.name}.", _text("free_agent.md"), _text("rules.md"))
    return "\n\n".join(parts) + "\n"


def mark_of(command: AgentCommand) -> str:
    """Begins what is said to have the command carried out; nothing else said in the conversation does."""
    return f"[command {command.id}]"


def words_for(command: AgentCommand, *, before: AgentCommand | None, note: str | None) -> str:
    """What is said to begin it. `before` is the command before this one, `note` what to know of its files."""
    said = [note, _STOPPED if before is not None and before.state is CommandState.INTERRUPTED else None]
    return "\n\n".join([f"{mark_of(command)} {command.author} says:", *filter(None, said), command.body])


def words_to_go_on(command: AgentCommand, *, note: str | None) -> str:
    """What is said when another worker takes up a command that had begun."""
    return "\n\n".join(filter(None, [f"{mark_of(command)} {_GONE_ON}", note]))


@cache
def _text(name: str) -> str:
    return (resources.files("adw.agents") / "prompts" / name).read_text(encoding="utf-8").strip()
