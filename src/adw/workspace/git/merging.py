"""Merges another commit into our branch without a checkout, and makes one commit of whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adw.kit.git.squash import merge_trees
from adw.ports.workspace import Merge

if TYPE_CHECKING:
    from adw.workspace.git.workspace import GitWorkspace


async def merge_into(workspace: GitWorkspace, *, onto: str, commit: str, message: str) -> Merge:
    """Commit and working tree are those of the merge, conflicts written into the files as git writes them."""
    git = workspace.mirror.git
    if await git.is_ancestor(ancestor=commit, of=onto):
        return Merge(head=onto)
    merged = await merge_trees(git, ours=onto, theirs=commit)
    sha = await workspace.commit_tree(merged.tree, parent=onto, also=(commit,), message=message)
    await workspace.reset(sha)
    return Merge(head=sha, conflicts=merged.conflicts)


async def rejoin(workspace: GitWorkspace, *, parents: Sequence[str], message: str) -> str:
    """The files are kept; the commits that led to them are not."""
    await workspace.commit_all(message=message)
    tree = await workspace.mirror.git.text("rev-parse", f"{await workspace.head()}^{{tree}}")
    first, *others = parents
    sha = await workspace.commit_tree(tree, parent=first, also=others, message=message)
    await workspace.reset(sha)
    return sha
