"""The application on the commit under review: started on the workflow's ports, looked at, its pictures kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.review import Finding, Review
from adw.kit.errors import AdwError
from adw.ports.commands import Appearance
from adw.ports.engine import JsonValue
from adw.store.results import read_artifacts, save_artifact
from adw.workflows.context import PhaseContext
from adw.workflows.worktree import Worktree

_MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the running application; nothing where there is none. `pictures` are names of artifacts."""

    note: str = ""
    pictures: tuple[str, ...] = ()


async def look_at_application(ctx: PhaseContext, worktree: Worktree, *, head: str, number: int) -> Seen:
    """Never fails the review: an application that does not come up is a sentence for the reviewer."""
    command = worktree.commands.run
    if command is None:
        return Seen()

    async def work() -> JsonValue:
        message = f"starting `{command.shown}` to look at it"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        ports = {"frontend": worktree.ports.frontend, "backend": worktree.ports.backend}
        place = replace(worktree.place, env={"PORT": str(worktree.ports.frontend), **worktree.environment})
        try:
            found = await ctx.services.commands.look_at(command, place=place, ports=ports)
        except AdwError as error:
            return {"note": f"`{command.shown}` could not be started: {error.message}", "pictures": []}
        finally:
            await worktree.workspace.reset(head)
        return {"note": found.note, "pictures": [*await _store(ctx, found, number)]}

    seen: Mapping[str, Any] = await ctx.step(f"application.{number}", work)
    return Seen(note=seen["note"], pictures=tuple(seen["pictures"]))


async def lay_out_pictures(ctx: PhaseContext, names: Sequence[str], folder: Path) -> list[str]:
    """The pictures as files in a folder, taken from the database: they may have been made on another host."""
    async with ctx.services.database.read() as connection:
        found = await read_artifacts(connection, adw_id=ctx.adw_id, names=names, most_bytes=_MOST_BYTES)
    for name, content in found.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in names if name in found]


def with_known_pictures(review: Review, names: Sequence[str]) -> Review:
    """The review with each finding's picture by its artifact's name, and without those that do not exist."""
    return replace(review, findings=tuple(_with_picture(each, names) for each in review.findings))


def _with_picture(finding: Finding, names: Sequence[str]) -> Finding:
    name = Path(finding.screenshot or "").name
    return replace(finding, screenshot=name if name in names else None)


async def _store(ctx: PhaseContext, found: Appearance, number: int) -> list[str]:
    names: list[str] = []
    for picture in found.pictures:
        name = f"review-{ctx.attempt}-{number}-{picture.name}.png"
        async with ctx.services.database.begin() as connection:
            await save_artifact(
                connection, adw_id=ctx.adw_id, name=name, media_type="image/png", content=picture.content
            )
        names.append(name)
    return names
