"""An agent that changes the project: the same conversation for whoever edits, save for role, words and round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role
from adw.ports.prompts import Prompt
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import EDITOR, Conversation, converse
from adw.workflows.worktree import Worktree


async def edit(
    ctx: PhaseContext,
    worktree: Worktree,
    *,
    role: Role,
    prompt: Prompt,
    start_commit: str,
    round_number: int = 0,
    session: str | None = None,
) -> Mapping[str, Any]:
    """Lets the agent work in the tree and gives its structured answer; saving what it did is the caller's.

    A conversation that cannot be resumed begins again at `start_commit`. With `session`, it is held in that earlier
    one as far as that can be resumed.
    """
    answer = await converse(
        ctx,
        Conversation(
            role=role,
            prompt=prompt,
            policy=EDITOR,
            cwd=worktree.path,
            env=worktree.tool_environment,
            round=round_number,
            workspace=worktree.workspace,
            start_commit=start_commit,
            session=session,
        ),
    )
    return answer["structured"]
