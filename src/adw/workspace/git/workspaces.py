"""All workspaces of this host.

A working tree is filled beside its place and renamed into it, so one that exists is whole whatever was killed when.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from adw.kit.errors import ConflictError, GitError
from adw.kit.git.access import RemoteAccess, is_local
from adw.kit.git.changes import names
from adw.kit.git.lock import RepositoryLock
from adw.kit.git.runner import Identity
from adw.kit.log import get_logger
from adw.ports.workspace import BaseRef, RepositoryRef, WorkspaceEntry, WorkspaceSpec
from adw.workspace.git import base as bases
from adw.workspace.git import reconcile, registration, trash
from adw.workspace.git.generated import generated_paths
from adw.workspace.git.layout import Place, Remembered, places
from adw.workspace.git.mirror import Mirror
from adw.workspace.git.push import delete_refs
from adw.workspace.git.start import check_branch_name, keep_base, starting_point
from adw.workspace.git.workspace import GitWorkspace

_log = get_logger("workspace.git")


class GitWorkspaces:
    """Implements the `Workspaces` port below one data directory. One instance for each process."""

    def __init__(self, data_dir: Path, *, access: RemoteAccess | None = None, identity: Identity | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._access = access
        self._identity = identity or Identity()
        self._mirrors: dict[Path, Mirror] = {}
        self._locks: dict[Path, RepositoryLock] = {}
        self._generated: dict[str, tuple[str, ...]] = {}
        self._checkouts = asyncio.Semaphore(os.cpu_count() or 1)

    async def resolve_base(self, repository: RepositoryRef, *, base: str | None) -> BaseRef:
        return await bases.resolve_base(repository, base=base, access=self._access)

    async def prepare(self, spec: WorkspaceSpec) -> GitWorkspace:
        return await self._make(
            spec.repository,
            name=spec.adw_id,
            known=Remembered(
                branch=spec.branch,
                base_sha=spec.base_sha,
                private=spec.private,
                remote=str(spec.repository.remote),
            ),
        )

    async def open(self, spec: WorkspaceSpec) -> GitWorkspace:
        return await self.prepare(spec)

    async def prepare_detached(self, *, repository: RepositoryRef, name: str, sha: str) -> GitWorkspace:
        return await self._make(repository, name=name, known=Remembered(branch=None, base_sha=sha, private=()))

    async def remove(self, name: str) -> bool:
        found = [place for place in places(self._data_dir) if place.name == name and place.tree.is_dir()]
        for place in found:
            async with self._lock(place):
                await self._save(place)
                async with self._mirror(place).lock:
                    trash.throw_away(place.registration, trash=place.trash)
                trash.throw_away(place.tree, trash=place.trash)
        return bool(found)

    async def forget(self, spec: WorkspaceSpec) -> None:
        await self.remove(spec.adw_id)
        place = Place(data_dir=self._data_dir, project_id=spec.repository.project_id, name=spec.adw_id)
        mirror, prefix = self._mirror(place), f"refs/adw/{place.name}/"
        await mirror.create(like=spec.base_sha)
        await delete_refs(mirror.git, spec.repository.remote, prefix=prefix, access=self._access)
        await mirror.drop_refs(prefix=prefix)

    async def list(self) -> list[WorkspaceEntry]:
        entries = [(place, Remembered.read(place)) for place in places(self._data_dir) if place.tree.is_dir()]
        return [
            WorkspaceEntry(
                name=place.name,
                project_id=place.project_id,
                path=place.tree,
                branch=known.branch,
                base_sha=known.base_sha,
            )
            for place, known in entries
            if known is not None
        ]

    def mirror_of(self, project_id: str) -> Mirror:
        """The commits of a project's workflows on this host, for whoever reads them."""
        return self._mirror(Place(data_dir=self._data_dir, project_id=project_id, name="any"))

    async def reconcile(self) -> list[str]:
        done: list[str] = []
        for place in places(self._data_dir):
            async with self._lock(place):
                done += reconcile.clear_drafts(place)
            async with self._mirror(place).lock:
                done += reconcile.clear_repository(place)
                done += await reconcile.pack(place)
        emptied = await asyncio.to_thread(reconcile.empty_trash, self._data_dir)
        return [*done, f"deleted {emptied} removed folders"] if emptied else done

    async def _make(self, repository: RepositoryRef, *, name: str, known: Remembered) -> GitWorkspace:
        place = Place(data_dir=self._data_dir, project_id=repository.project_id, name=name)
        await check_branch_name(known.branch)
        self._check_owner(place)
        workspace = self._workspace(place, known=known, remote=repository.remote)
        async with self._lock(place):
            if known.is_another_commit_than(Remembered.read(place)):
                trash.throw_away(place.tree, trash=place.trash)
            known.write(place)
            if place.tree.is_symlink() or not place.tree.is_dir():
                await self._build(workspace, source=repository.source)
            else:
                if not await workspace.is_known():
                    await starting_point(workspace, source=repository.source)
                await keep_base(workspace, source=repository.source)
                await workspace.repair()
            return await self._without_generated(workspace, known)

    async def _without_generated(self, workspace: GitWorkspace, known: Remembered) -> GitWorkspace:
        """The workspace, knowing also what the project's tools write there; that is written down for later."""
        base = known.base_sha
        if base not in self._generated:
            listed = await workspace.mirror.git.run("ls-tree", "-r", "-z", "--name-only", base)
            self._generated[base] = generated_paths(os.fsdecode(name) for name in names(listed.stdout))
        private = (*known.private, *self._generated[base])
        replace(known, private=private).write(workspace.place)
        return replace(workspace, private=private)

    async def _build(self, workspace: GitWorkspace, *, source: Path | str) -> None:
        place = workspace.place
        start = await starting_point(workspace, source=source)
        for leftover in (place.tree, place.draft):
            trash.throw_away(leftover, trash=place.trash)
        place.draft.mkdir(parents=True)
        async with self._checkouts:
            await replace(workspace.tree, path=place.draft).fill(start.files, head=start.head)
        async with workspace.mirror.lock:
            registration.link(place, place.draft)
            registration.register(place, head=workspace.head_text, index=place.index)
        place.draft.rename(place.tree)

    async def _save(self, place: Place) -> None:
        known = Remembered.read(place)
        if known is None or known.branch is None:
            return
        workspace = self._workspace(place, known=known, remote=_nearby(known.remote))
        if not await workspace.is_known():
            return
        saved = await workspace.save_here()
        if saved is None or not workspace.remote:
            return
        try:
            await workspace.send_saved(saved)
        except (GitError, ConflictError) as error:
            _log.warning("saved_here_only", name=place.name, reason=error.message)

    def _check_owner(self, place: Place) -> None:
        for other in places(self._data_dir):
            if other.name == place.name and other.project_id != place.project_id and other.tree.exists():
                raise ConflictError(f"The workspace {place.name} belongs to the project {other.project_id}")

    def _workspace(self, place: Place, *, known: Remembered, remote: Path | str) -> GitWorkspace:
        return GitWorkspace(
            place=place,
            mirror=self._mirror(place),
            remote=remote,
            branch=known.branch,
            base_sha=known.base_sha,
            private=known.private,
            identity=self._identity,
            access=self._access,
        )

    def _mirror(self, place: Place) -> Mirror:
        return self._mirrors.setdefault(place.mirror, Mirror(place.mirror, access=self._access))

    def _lock(self, place: Place) -> RepositoryLock:
        return self._locks.setdefault(place.lock, RepositoryLock(place.lock))


def _nearby(remote: str | None) -> Path | str:
    """The remote if it is ours, on this machine. Others get only what was searched for secrets before."""
    return Path(remote) if remote and is_local(remote) and Path(remote).is_dir() else ""
