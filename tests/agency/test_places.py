"""What is sent away from this machine, and what of a repository's templates can be used; no database, no git."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from adw.chat.agency import Places
from adw.chat.agency.places import Desk
from adw.domain.agent_template import MAX_TEMPLATE_BYTES, AgentTemplate
from adw.domain.free_agent import AgentStatus, FreeAgent
from adw.kit.errors import ConfigurationError, NotFoundError
from adw.ports.projects import CommittedFile
from adw.ports.workspace import RepositoryRef
from adw.project.agent_templates import TEMPLATES_FOLDER, find_template, list_templates
from adw.project.base_files import BaseFiles

KEY = "+key = ghp_" + "a" * 36
NOW = datetime.now(UTC)
AGENT = FreeAgent(
    id=uuid4(),
    orchestrator_agent_id=uuid4(),
    name="helper",
    project_id="p-1",
    base_sha="a" * 40,
    template=None,
    system_prompt="You help.",
    tools=("Write",),
    model=None,
    budget_usd=Decimal(1),
    status=AgentStatus.IDLE,
    session_id=None,
    input_tokens=0,
    output_tokens=0,
    context_tokens=0,
    total_cost=Decimal(0),
    host="here",
    place=None,
    snapshot_sha=None,
    kept_as=None,
    created_by="Ada",
    created_at=NOW,
    updated_at=NOW,
    deleted_at=None,
)


class Tree:
    """A workspace of which only the difference and the saving matter."""

    def __init__(self, diff: str) -> None:
        self._diff = diff
        self.saved = 0

    async def diff(self, *, base: str) -> str:
        assert base == AGENT.base_sha
        return self._diff

    async def snapshot(self, *, label: str) -> str:
        assert AGENT.name in label
        self.saved += 1
        return "b" * 40


@pytest.mark.parametrize(
    ("remote", "line", "saved"),
    [
        ("https://github.com/o/n.git", KEY, 0),
        ("https://github.com/o/n.git", "+key = none", 1),
        (Path("/srv/forge/n.git"), KEY, 1),
    ],
)
async def test_what_looks_like_a_credential_is_sent_to_no_remote_but_ours(remote: Path | str, line: str, saved: int):
    tree = Tree(f"diff --git a/k b/k\n--- a/k\n+++ b/k\n@@ -0,0 +1 @@\n{line}\n")
    nothing: Any = None
    places = Places(
        database=nothing,
        workspaces=nothing,
        access=nothing,
        containment=nothing,
        folder=Path("/nowhere"),
        host="here",
    )
    repository = RepositoryRef(project_id="p-1", source="s", remote=remote)
    desk = Desk(cwd=Path("/t"), home=Path("/h"), workspace=cast("Any", tree), repository=repository)
    assert await places.save(AGENT, desk) == ("b" * 40 if saved else None)
    assert tree.saved == saved


class Committed:
    """What the base commit has in `.claude/agents`."""

    def __init__(self, **files: bytes) -> None:
        self._files = {f"{TEMPLATES_FOLDER}{name}.md": content for name, content in files.items()}

    async def list_committed(self, _project: Any, *, sha: str, path: str) -> list[CommittedFile]:
        assert (sha, path) == ("c" * 40, TEMPLATES_FOLDER)
        links = [CommittedFile(path=f"{path}link.md", size=9, is_plain=False)]
        other = [CommittedFile(path=f"{path}notes.txt", size=9, is_plain=True)]
        return (
            links
            + other
            + [CommittedFile(path=name, size=len(content), is_plain=True) for name, content in self._files.items()]
        )

    async def read_committed(self, _project: Any, *, sha: str, path: str) -> bytes:
        assert sha == "c" * 40
        return self._files[path]


async def test_files_that_cannot_be_used_are_told_and_keep_nobody_from_the_others():
    access = Committed(
        good=b"---\nname: Good\n---\nGo.",
        again=b"---\nname: good\n---\nGo on.",
        headless=b"Go.",
        huge=b"x" * (MAX_TEMPLATE_BYTES + 1),
    )
    files = BaseFiles(access=cast("Any", access), project=cast("Any", None), sha="c" * 40)
    usable, broken = await list_templates(files)
    assert [each.name for each in usable] == ["builder", "Good", "researcher", "reviewer"]
    told = {each.origin.rpartition("/")[2]: each.problem for each in broken}
    assert set(told) == {"link.md", "again.md", "headless.md", "huge.md"}
    assert "the same name as .claude/agents/good.md" in told["again.md"]
    assert "no plain file" in told["link.md"]
    assert isinstance(await find_template(files, "GOOD"), AgentTemplate)
    with pytest.raises(ConfigurationError, match=r"headless\.md does not begin"):
        await find_template(files, "headless")
    with pytest.raises(NotFoundError) as missing:
        await find_template(files, "nobody")
    assert "researcher" in (missing.value.hint or "")
