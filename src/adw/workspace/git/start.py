"""Where a workspace starts: the newest of what the remote and this host know of its branch, and its last snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import UsageError
from adw.kit.git.runner import Git
from adw.workspace.git.workspace import GitWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`head` is the branch's commit; `files` the commit whose files are written, a snapshot if there is one."""

    head: str
    files: str


async def starting_point(workspace: GitWorkspace, *, source: Path | str) -> Start:
    """Fetches what is needed and sets the branch in the mirror."""
    mirror, base = workspace.mirror, workspace.base_sha
    await mirror.create(like=base)
    await mirror.bring(base, sources=(source, workspace.remote))
    if workspace.branch is None:
        await mirror.set_refs({workspace.own_ref("base"): base})
        return Start(head=base, files=base)
    found = await mirror.look(
        workspace.remote,
        names={
            workspace.branch_ref: workspace.own_ref("remote"),
            workspace.own_ref("wip"): workspace.own_ref("remote-wip"),
        },
    )
    head = await _head(workspace, theirs=found.get(workspace.branch_ref))
    # The branch in the mirror is what an agent's git shows; a person's commits on it that we never took in are kept.
    refs = {workspace.own_ref("base"): base, workspace.branch_ref: head, workspace.own_ref("anchor"): head}
    await mirror.set_refs(refs)
    return Start(head=head, files=await _newest_snapshot(workspace, head=head) or head)


async def keep_base(workspace: GitWorkspace, *, source: Path | str) -> None:
    """Fetches the commit that work counts as begun from, which is another one once the base was brought in."""
    mirror, ref = workspace.mirror, workspace.own_ref("base")
    if await mirror.git.resolve(ref) != workspace.base_sha:
        await mirror.bring(workspace.base_sha, sources=(workspace.remote, source))
        await mirror.set_refs({ref: workspace.base_sha})


async def check_branch_name(branch: str | None) -> None:
    """Raises UsageError for a name git would not accept."""
    if branch is None:
        return
    done = await Git(git_dir=Path("/")).run("check-ref-format", f"refs/heads/{branch}", accept=(0, 1))
    if done.code != 0:
        raise UsageError(f"{branch!r} cannot be the name of a branch", hint="See: git help check-ref-format")


async def _head(workspace: GitWorkspace, *, theirs: str | None) -> str:
    """Commits made here and not yet pushed count, unless the remote went another way; then they are set aside."""
    git = workspace.mirror.git
    ours = await git.resolve(workspace.own_ref("anchor"))
    if theirs is None or ours is None:
        return theirs or ours or workspace.base_sha
    if await git.is_ancestor(ancestor=theirs, of=ours):
        return ours
    if not await git.is_ancestor(ancestor=ours, of=theirs):
        await workspace.mirror.set_refs({workspace.own_ref(f"aside-{ours[:12]}"): ours})
    return theirs


async def _newest_snapshot(workspace: GitWorkspace, *, head: str) -> str | None:
    """The last snapshot that was taken on top of `head`; older ones are part of a commit by now."""
    git = workspace.mirror.git
    found: list[tuple[int, str]] = []
    for label in ("saved", "remote-wip", "wip"):
        sha = await git.resolve(workspace.own_ref(label))
        if sha is not None and await git.resolve(f"{sha}^") == head:
            found.append((int(await git.text("show", "--no-patch", "--format=%ct", sha)), sha))
    return max(found, key=lambda snapshot: snapshot[0])[1] if found else None
