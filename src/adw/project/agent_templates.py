"""Templates of free agents: those a repository has committed in `.claude/agents/`, and our own few.

They are read from the base commit, like all that a repository tells its agents. One of ours gives way to one of the
repository's of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from adw.domain.agent_template import MAX_TEMPLATE_BYTES, AgentTemplate, BrokenTemplate, parse_template
from adw.kit.errors import ConfigurationError, NotFoundError
from adw.ports.projects import CommittedFile
from adw.project.base_files import BaseFiles

TEMPLATES_FOLDER = ".claude/agents/"
BUILT_IN = "built-in"
_MOST_FILES = 200


async def list_templates(files: BaseFiles | None) -> tuple[list[AgentTemplate], list[BrokenTemplate]]:
    """Those that can be used, by name, and those that cannot. Without a repository only ours."""
    usable: dict[str, AgentTemplate] = {each.name.lower(): each for each in built_in_templates()}
    broken: list[BrokenTemplate] = []
    committed: dict[str, AgentTemplate] = {}
    for found in [] if files is None else await _committed(files):
        if isinstance(found, BrokenTemplate):
            broken.append(found)
        elif (other := committed.setdefault(found.name.lower(), found)) is not found:
            problem = f"{found.origin} has the same name as {other.origin}"
            broken.append(BrokenTemplate(origin=found.origin, problem=problem))
    usable |= committed
    return sorted(usable.values(), key=lambda each: each.name.lower()), broken


async def find_template(files: BaseFiles | None, name: str) -> AgentTemplate:
    """By its name, whatever its case. Raises NotFoundError, or ConfigurationError for a file that cannot be used."""
    usable, broken = await list_templates(files)
    for each in usable:
        if each.name.lower() == name.lower():
            return each
    for each in broken:
        if each.origin.rpartition("/")[2].removesuffix(".md").lower() == name.lower():
            raise ConfigurationError(each.problem, hint="correct the file and commit it to the base branch")
    known = ", ".join(each.name for each in usable)
    raise NotFoundError(f"there is no template {name!r}", hint=f"there are: {known}")


@cache
def built_in_templates() -> Sequence[AgentTemplate]:
    """Ours, by name."""
    folder = resources.files("adw.agents").joinpath("prompts", "templates")
    found = (each for each in folder.iterdir() if each.name.endswith(".md"))
    return tuple(
        parse_template(each.read_bytes(), origin=BUILT_IN) for each in sorted(found, key=lambda each: each.name)
    )


async def _committed(files: BaseFiles) -> list[AgentTemplate | BrokenTemplate]:
    there = await files.access.list_committed(files.project, sha=files.sha, path=TEMPLATES_FOLDER)
    chosen = [each for each in there if each.path.endswith(".md")][:_MOST_FILES]
    return [await _read(files, each) for each in chosen]


async def _read(files: BaseFiles, file: CommittedFile) -> AgentTemplate | BrokenTemplate:
    if not file.is_plain or file.size > MAX_TEMPLATE_BYTES:
        problem = f"{file.path} is no plain file of at most {MAX_TEMPLATE_BYTES} bytes"
        return BrokenTemplate(origin=file.path, problem=problem)
    content = await files.access.read_committed(files.project, sha=files.sha, path=file.path)
    try:
        return parse_template(content or b"", origin=file.path)
    except ConfigurationError as error:
        return BrokenTemplate(origin=file.path, problem=error.message)
