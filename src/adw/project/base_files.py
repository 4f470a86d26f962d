"""What a repository tells its agents: prompts read from the base commit, never from a tree an agent can write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adw.domain.agent import Role
from adw.domain.config import CONFIG_FILE, ProjectConfig, parse_config
from adw.domain.project import Project
from adw.kit.errors import ConfigurationError
from adw.ports.projects import CommittedFile, ProjectAccess

PROMPTS_FOLDER = ".adw/prompts/"
MAX_PROMPT_BYTES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFiles:
    """The files of a project at the commit its work starts from."""

    access: ProjectAccess
    project: Project
    sha: str

    async def config(self) -> ProjectConfig:
        """What `adw.toml` says; all defaults without one. Raises ConfigurationError."""
        content = await self.access.read_committed(self.project, sha=self.sha, path=CONFIG_FILE)
        return parse_config((content or b"").decode("utf-8", "replace"), source=CONFIG_FILE)

    async def guidance(self) -> dict[Role, str]:
        """The guidance of those roles that the repository words itself, in `.adw/prompts/<role>.md`.

        Raises ConfigurationError for one that cannot be used.
        """
        roles = {f"{PROMPTS_FOLDER}{role}.md": role for role in Role}
        there = await self.access.list_committed(self.project, sha=self.sha, path=PROMPTS_FOLDER)
        return {roles[file.path]: await self._text(file) for file in there if file.path in roles}

    async def text(self, path: str) -> str:
        """The text of a prompt file. Raises ConfigurationError when there is none that can be used."""
        there = await self.access.list_committed(self.project, sha=self.sha, path=path)
        if not there:
            raise ConfigurationError(
                f"the base commit has no file {path}", hint="commit it to the base branch, or correct adw.toml"
            )
        return await self._text(there[0])

    async def check(self, config: ProjectConfig, phases: Iterable[str]) -> None:
        """Raises ConfigurationError unless the prompt files of these phases can be read."""
        for phase in phases:
            entry = config.phases.get(phase)
            if entry is not None and entry.prompt is not None:
                await self.text(entry.prompt)

    async def _text(self, file: CommittedFile) -> str:
        if not file.is_plain or file.size > MAX_PROMPT_BYTES:
            raise ConfigurationError(
                f"{file.path} cannot be used as a prompt",
                hint=f"it must be a plain file of at most {MAX_PROMPT_BYTES} bytes",
            )
        content = await self.access.read_committed(self.project, sha=self.sha, path=file.path) or b""
        try:
            text = content.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{file.path} is not UTF-8 text", hint="save it as UTF-8") from error
        if not text or "\0" in text:
            raise ConfigurationError(f"{file.path} holds no text", hint="write the prompt, or delete the file")
        return text
