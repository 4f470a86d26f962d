"""Projects: repositories under management."""

from __future__ import annotations

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.project import ForgeKind, Project
from adw.kit.errors import NotFoundError, UsageError
from adw.store.json import storable_text
from adw.store.tables.workflows import projects


async def ensure_project(
    connection: AsyncConnection,
    *,
    project_id: str,
    name: str,
    forge: ForgeKind,
    source: str,
    base_branch: str,
    remote: str | None = None,
) -> Project:
    """The project at this source, made if it is new. Its base branch follows what is given, and so does its remote."""
    values = {"id": project_id, "name": name, "forge": forge.value, "source": source, "base_branch": base_branch}
    # Without a target, because the id is unique besides: two who make the same project may collide on either.
    await connection.execute(insert(projects).values(values).on_conflict_do_nothing())
    one = (projects.c.forge == forge.value, projects.c.source == source)
    given = {"base_branch": base_branch} | ({} if remote is None else {"remote": storable_text(remote)})
    follow = update(projects).where(*one).values(given).returning(projects)
    return _project((await connection.execute(follow)).mappings().one())


async def get_project(connection: AsyncConnection, project_id: str) -> Project:
    row = (await connection.execute(select(projects).where(projects.c.id == project_id))).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no project {project_id!r}", hint="see `adw project list`")
    return _project(row)


async def find_project(connection: AsyncConnection, reference: str) -> Project:
    """By id, name or source."""
    reference = storable_text(reference)
    query = select(projects).where(
        or_(projects.c.id == reference, projects.c.name == reference, projects.c.source == reference)
    )
    rows = (await connection.execute(query.limit(2))).mappings().all()
    if not rows:
        raise NotFoundError(f"there is no project {reference!r}", hint="see `adw project list`")
    if len(rows) > 1:
        raise UsageError(f"several projects are called {reference!r}", hint="give the project's id or path")
    return _project(rows[0])


async def find_by_repository(connection: AsyncConnection, *, forge: ForgeKind, repository: str) -> Project | None:
    """The project of a forge's repository. On a network the case of names does not matter."""
    wanted = storable_text(repository)
    is_same = projects.c.source == wanted
    if forge is not ForgeKind.LOCAL:
        is_same = func.lower(projects.c.source) == wanted.lower()
    row = (
        (await connection.execute(select(projects).where(projects.c.forge == forge.value, is_same))).mappings().first()
    )
    return None if row is None else _project(row)


async def list_projects(connection: AsyncConnection) -> list[Project]:
    rows = (await connection.execute(select(projects).order_by(projects.c.created_at))).mappings()
    return [_project(row) for row in rows]


def _project(row: RowMapping) -> Project:
    return Project(
        id=row["id"],
        name=row["name"],
        forge=ForgeKind(row["forge"]),
        source=row["source"],
        base_branch=row["base_branch"],
        created_at=row["created_at"],
        remote=row["remote"],
    )
