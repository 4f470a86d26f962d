"""Results kept for later: artifacts of a workflow, baselines of a commit, effects on the world outside."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.kit.errors import NotFoundError
from adw.store.json import storable
from adw.store.tables.work import artifacts, baselines, effects
from adw.store.tables.workflows import workflows


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEffect:
    """Something outside that was begun, and of which nobody knows whether it happened."""

    key: str
    adw_id: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file a workflow produced, such as a test report."""

    name: str
    media_type: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInfo:
    """An artifact without its content; `size` in bytes."""

    name: str
    media_type: str
    sha256: str
    size: int
    created_at: datetime


async def save_artifact(connection: AsyncConnection, *, adw_id: str, name: str, media_type: str, content: bytes) -> str:
    """Stores the file under its name, replacing an earlier one, and returns its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    values = {"adw_id": adw_id, "name": name, "media_type": media_type, "sha256": digest, "content": content}
    statement = insert(artifacts).values(values)
    update_set = {"media_type": media_type, "sha256": digest, "content": content}
    await connection.execute(statement.on_conflict_do_update(index_elements=["adw_id", "name"], set_=update_set))
    return digest


async def get_artifact(connection: AsyncConnection, *, adw_id: str, name: str) -> Artifact:
    query = select(artifacts).where(artifacts.c.adw_id == adw_id, artifacts.c.name == name)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"workflow {adw_id} has no artifact {name!r}")
    return Artifact(**{field: row[field] for field in ("name", "media_type", "sha256", "content")})


async def list_artifacts(connection: AsyncConnection, adw_id: str) -> list[ArtifactInfo]:
    """What there is, oldest first; `created_at` is when a name was first used."""
    names = [name for name in ArtifactInfo.__slots__ if name != "size"]
    size = func.length(artifacts.c.content).label("size")
    query = select(*(artifacts.c[name] for name in names), size).where(artifacts.c.adw_id == adw_id)
    rows = await connection.execute(query.order_by(artifacts.c.created_at, artifacts.c.name))
    return [ArtifactInfo(**row) for row in rows.mappings()]


async def read_artifacts(
    connection: AsyncConnection, *, adw_id: str, names: Collection[str], most_bytes: int
) -> Mapping[str, bytes]:
    """The contents of those of these artifacts that are no longer than `most_bytes`, by name."""
    if not names:
        return {}
    query = select(artifacts.c.name, artifacts.c.content).where(
        artifacts.c.adw_id == adw_id,
        artifacts.c.name.in_(names),
        func.length(artifacts.c.content) <= most_bytes,
    )
    return {row.name: row.content for row in (await connection.execute(query)).all()}


async def get_baseline(
    connection: AsyncConnection, *, project_id: str, commit: str, config_hash: str
) -> dict[str, Any] | None:
    """What the untouched commit's commands gave, if they have been run."""
    key = {"project_id": project_id, "commit_sha": commit, "config_hash": config_hash}
    return (await connection.execute(select(baselines.c.result).filter_by(**key))).scalar_one_or_none()


async def save_baseline(
    connection: AsyncConnection, *, project_id: str, commit: str, config_hash: str, result: Mapping[str, Any]
) -> None:
    """Keeps the first result there is; one that only tells a `problem` gives way to a later one."""
    key = {"project_id": project_id, "commit_sha": commit, "config_hash": config_hash}
    statement = insert(baselines).values(**key, result=storable(result))
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key),
            set_={"result": statement.excluded.result},
            where=baselines.c.result.has_key("problem"),
        )
    )


async def intend_effect(connection: AsyncConnection, *, key: str, adw_id: str, kind: str) -> Mapping[str, Any] | None:
    """Notes, before it is done, that an effect outside will be; its result if it was already confirmed."""
    await connection.execute(insert(effects).values(key=key, adw_id=adw_id, kind=kind).on_conflict_do_nothing())
    query = select(effects.c.result).where(effects.c.key == key, effects.c.confirmed_at.is_not(None))
    return (await connection.execute(query)).scalar_one_or_none()


async def open_effects_of_ended(connection: AsyncConnection, *, limit: int = 100) -> list[OpenEffect]:
    """Effects that were intended and not confirmed, of workflows that nobody executes any more; oldest first."""
    query = (
        select(effects.c.key, effects.c.adw_id, effects.c.kind)
        .join(workflows, workflows.c.adw_id == effects.c.adw_id)
        .where(effects.c.confirmed_at.is_(None), workflows.c.status.in_(("completed", "failed", "cancelled")))
        .order_by(effects.c.created_at)
        .limit(limit)
    )
    return [OpenEffect(key=row.key, adw_id=row.adw_id, kind=row.kind) for row in await connection.execute(query)]


async def confirm_effect(connection: AsyncConnection, *, key: str, result: Mapping[str, Any]) -> None:
    values = {"result": storable(result), "confirmed_at": func.clock_timestamp()}
    await connection.execute(update(effects).where(effects.c.key == key).values(values))
