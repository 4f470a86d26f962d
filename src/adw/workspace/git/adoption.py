"""Takes over what others pushed to our branch, and puts our unpushed work on top of it, without a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adw.kit.git.squash import merge_trees
from adw.ports.workspace import Adoption

if TYPE_CHECKING:
    from adw.workspace.git.workspace import GitWorkspace


async def adopt(workspace: GitWorkspace, *, message: str, theirs: str | None) -> Adoption:
    """Their commits stay as they are; all of ours that is not on the remote becomes one commit after them.

    Nothing changes when both sides touched the same lines: the conflicting paths are returned.
    """
    head = await workspace.head()
    git = workspace.mirror.git
    if theirs is None or await git.is_ancestor(ancestor=theirs, of=head):
        return Adoption(head=head)
    foreign = tuple((await git.text("rev-list", "--reverse", f"{head}..{theirs}")).split())
    ours = await workspace.snapshot(label=message)
    merged = await merge_trees(git, ours=theirs, theirs=ours)
    if merged.conflicts:
        return Adoption(head=head, foreign=foreign, conflicts=merged.conflicts)
    adopted = theirs
    if merged.tree != await git.text("rev-parse", f"{theirs}^{{tree}}"):
        adopted = await workspace.commit_tree(merged.tree, parent=theirs, message=message)
    await workspace.reset(adopted)
    return Adoption(head=adopted, foreign=foreign)
