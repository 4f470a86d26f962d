"""One workflow's working tree.

Our git works on the mirror and an index of its own; it never reads `.git`, HEAD or the index an agent can write.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import NotFoundError, UsageError
from adw.kit.git.access import RemoteAccess, is_local
from adw.kit.git.bare import BareRepository
from adw.kit.git.changes import parse_numstat, parse_raw_changes
from adw.kit.git.runner import Git, Identity
from adw.ports.workspace import Adoption, Change, ChangedFile, DiffStat, Merge, PushResult
from adw.workspace.git import registration
from adw.workspace.git.adoption import adopt
from adw.workspace.git.layout import Place
from adw.workspace.git.merging import merge_into, rejoin
from adw.workspace.git.mirror import Mirror
from adw.workspace.git.push import ANYTHING, push_ref
from adw.workspace.git.tree import WorkingTree

_STATUS_LETTERS = {Change.ADDED: "??", Change.MODIFIED: " M", Change.DELETED: " D", Change.TYPE_CHANGED: " T"}
_DIFF = ("diff-tree", "-r", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitWorkspace:
    """Implements the `Workspace` port. `branch` is None for a detached workspace, which cannot commit or push."""

    place: Place
    mirror: Mirror
    remote: Path | str
    branch: str | None
    base_sha: str
    private: tuple[str, ...]
    identity: Identity
    access: RemoteAccess | None

    @property
    def path(self) -> Path:
        return self.place.tree

    @property
    def git_folder(self) -> Path:
        return self.place.registration

    async def head(self) -> str:
        # Commits that something else made on the branch count only once we took them in.
        return await self.mirror.git.resolve(self.own_ref("anchor")) or self.base_sha

    async def status(self) -> str:
        changes = await self.changed_files(since=await self.head())
        return "".join(f"{_STATUS_LETTERS[change.status]} {_printable(change.path)}\n" for change in changes)

    async def changed_files(self, *, since: str, until: str | None = None) -> list[ChangedFile]:
        output = await self._compare("--raw", "-z", "--no-renames", base=since, head=until)
        return [ChangedFile(path=change.path, status=Change(change.letter)) for change in parse_raw_changes(output)]

    async def commit_all(
        self, *, message: str, exclude: Sequence[str] = (), since: str | None = None, keep_commits: bool = False
    ) -> str | None:
        git, head = self.mirror.git, await self.head()
        parent = await self._tip(git, head=head) if keep_commits else head
        async with self.tree.capture(head=parent, exclude=(*self.private, *exclude)) as now:
            unchanged = now.tree == await git.text("rev-parse", f"{parent}^{{tree}}")
            sha = parent if unchanged else await self.commit_tree(now.tree, parent=parent, message=message)
            await self._move(sha, index=now.index)
        return None if sha == (since or head) else sha

    async def push(self, *, expected_old: str | None) -> PushResult:
        sha = await self.head()
        moved = await self._push(sha, ref=self.branch_ref, expected_old=expected_old)
        await self.mirror.set_refs({self.own_ref("anchor"): sha})
        return PushResult(sha=sha, moved=moved)

    async def keep(self, *, label: str, sha: str) -> None:
        await self.keep_as(ref=self.own_ref(label), sha=sha)

    async def keep_as(self, *, ref: str, sha: str) -> None:
        await self._bring(sha)
        await self._push(sha, ref=ref)

    async def snapshot(self, *, label: str) -> str:
        sha, is_new = await self._snapshot(label)
        if is_new:
            await self._push(sha, ref=self.own_ref("wip"))
            await self.mirror.set_refs({self.own_ref("wip"): sha})
        return sha

    async def save_here(self) -> str | None:
        """Keeps uncommitted files in the mirror, before the working tree goes. The commit, None if nothing is new."""
        sha, is_new = await self._snapshot("Saved when the workspace was removed")
        if not is_new:
            return None
        await self.mirror.set_refs({self.own_ref("saved"): sha})
        return sha

    async def send_saved(self, sha: str) -> None:
        """Puts it on the remote as the last snapshot. Raises ConflictError when that has a newer one from elsewhere."""
        last = await self.mirror.git.resolve(self.own_ref("wip"))
        await self._push(sha, ref=self.own_ref("wip"), expected_old=last)
        await self.mirror.set_refs({self.own_ref("wip"): sha})

    async def restore(self, snapshot_sha: str) -> None:
        await self._bring(snapshot_sha)
        head = await self.head()
        await self.tree.become(snapshot_sha, start=head, head=head, exclude=self.private)
        await self._follow()

    async def reset(self, sha: str) -> None:
        await self._bring(sha)
        await self.tree.become(sha, start=await self.head(), head=sha, exclude=self.private)
        await self._move(sha, index=self.place.index)

    async def remote_head(self) -> str | None:
        found = await self.mirror.look(self.remote, names={self.branch_ref: self.own_ref("remote")})
        return found.get(self.branch_ref)

    async def adopt_remote(self, *, message: str, commit: str | None = None) -> Adoption:
        if commit is not None:
            await self._bring(commit)
        return await adopt(self, message=message, theirs=commit or await self.remote_head())

    async def merge(self, *, onto: str, commit: str, message: str) -> Merge:
        await self._bring(commit)
        return await merge_into(self, onto=onto, commit=commit, message=message)

    async def rejoin(self, *, parents: Sequence[str], message: str) -> str:
        return await rejoin(self, parents=parents, message=message)

    async def diff(self, *, base: str, head: str | None = None) -> str:
        return (await self._compare("-p", "--no-color", "-M", base=base, head=head)).decode(errors="replace")

    async def diff_stat(self, *, base: str, head: str | None = None) -> DiffStat:
        sizes = parse_numstat(await self._compare("--numstat", "-z", "--no-renames", base=base, head=head))
        return DiffStat(files=len(sizes), additions=sum(a for a, _ in sizes), deletions=sum(d for _, d in sizes))

    async def read_committed(self, *, path: str, ref: str) -> bytes | None:
        git = self.mirror.git
        commit = await git.resolve(ref)
        if commit is None:
            raise NotFoundError(f"{ref!r} is no commit here")
        done = await git.run("cat-file", "blob", f"{commit}:{path}", accept=(0, 128))
        return done.stdout if done.code == 0 else None

    @property
    def tree(self) -> WorkingTree:
        return WorkingTree(git=self.mirror.git, path=self.place.tree, index=self.place.index)

    @property
    def branch_ref(self) -> str:
        if self.branch is None:
            raise UsageError(f"The workspace {self.place.name} is on no branch")
        return f"refs/heads/{self.branch}"

    def own_ref(self, label: str) -> str:
        return f"refs/adw/{self.place.name}/{label}"

    async def commit_tree(self, tree: str, *, parent: str, message: str, also: Sequence[str] = ()) -> str:
        git = self.mirror.git.using(extra=self.identity.environment())
        parents = [option for each in (parent, *also) for option in ("-p", each)]
        return await git.text("commit-tree", tree, *parents, "-F", "-", stdin=message.encode(errors="replace"))

    async def _push(self, sha: str, *, ref: str, expected_old: str | None = ANYTHING) -> bool:
        if is_local(self.remote) and self.place.data_dir in Path(self.remote).parents:
            BareRepository(path=Path(self.remote)).enforce()
        return await push_ref(
            self.mirror.git, self.remote, sha=sha, ref=ref, expected_old=expected_old, access=self.access
        )

    async def _tip(self, git: Git, *, head: str) -> str:
        """The branch with commits a person made on it here, unless they rewrote what we had."""
        tip = await git.resolve(self.branch_ref)
        return tip if tip is not None and await git.is_ancestor(ancestor=head, of=tip) else head

    async def _snapshot(self, label: str) -> tuple[str, bool]:
        """A commit with the present files, and whether the remote may lack it."""
        git, head = self.mirror.git, await self.head()
        async with self.tree.capture(head=head, exclude=self.private) as now:
            last = await git.resolve(self.own_ref("wip"))
            known = "" if last is None else await git.text("rev-parse", f"{last}^{{tree}}", f"{last}^")
            if last is not None and known == f"{now.tree}\n{head}":
                return last, False
            if not known.endswith(head) and now.tree == await git.text("rev-parse", f"{head}^{{tree}}"):
                return head, False
            return await self.commit_tree(now.tree, parent=head, message=label), True

    async def _move(self, sha: str, *, index: Path) -> None:
        await self.mirror.set_refs({self.branch_ref: sha, self.own_ref("anchor"): sha})
        if index != self.place.index:
            self.tree.remember(index)
        await self._follow()

    async def is_known(self) -> bool:
        """Whether the mirror has the commit this workspace stands on."""
        if not self.mirror.bare.exists():
            return False
        wanted = self.base_sha if self.branch is None else self.own_ref("anchor")
        return await self.mirror.git.resolve(wanted) is not None

    async def repair(self) -> None:
        """Writes the files an agent's git needs again, unless they are as they should be."""
        async with self.mirror.lock:
            registration.link(self.place, self.place.tree)
            if not registration.is_sound(self.place):
                registration.register(self.place, head=self.head_text, index=self.place.index)

    @property
    def head_text(self) -> str:
        return registration.head_text(branch=self.branch, sha=self.base_sha)

    async def _follow(self) -> None:
        async with self.mirror.lock:
            registration.link(self.place, self.place.tree)
            registration.follow(self.place, head=self.head_text, index=self.place.index)

    async def _bring(self, sha: str) -> None:
        await self.mirror.bring(sha, sources=(self.remote,))

    async def _compare(self, *options: str, base: str, head: str | None) -> bytes:
        git = self.mirror.git
        if head is not None:
            return (await git.run(*_DIFF, *options, base, head, "--")).stdout
        async with self.tree.capture(head=await self.head(), exclude=self.private) as now:
            return (await git.run(*_DIFF, *options, base, now.tree, "--")).stdout


def _printable(path: str) -> str:
    text = path.encode(errors="replace").decode()
    return text if text.isprintable() and not set(text) & set('"\\') else json.dumps(text, ensure_ascii=False)
