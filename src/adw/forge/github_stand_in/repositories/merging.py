"""The three ways to merge, as commits that nobody points to yet, and moving a branch to one."""

from __future__ import annotations

from adw.forge.github_stand_in.repositories.history import read_commits
from adw.kit.errors import ConflictError, GitError
from adw.kit.git.runner import Git, Identity
from adw.kit.git.squash import compare_and_swap, merge_trees

COMMITTER = Identity(name="GitHub", email="noreply@github.com")


async def merges_cleanly(git: Git, *, base: str, head: str) -> bool:
    """Whether both can be had together; histories that share nothing cannot."""
    try:
        return not (await merge_trees(git, ours=base, theirs=head)).conflicts
    except GitError:
        return False


async def merge_commit(git: Git, *, base: str, head: str, message: str, author: str) -> str:
    tree = (await merge_trees(git, ours=base, theirs=head)).tree
    return await _commit(git, tree, base, head, message=message, environment=_by(author))


async def squash_commit(git: Git, *, base: str, head: str, message: str, author: str) -> str:
    tree = (await merge_trees(git, ours=base, theirs=head)).tree
    return await _commit(git, tree, base, message=message, environment=_by(author))


async def rebased_commit(git: Git, *, base: str, head: str) -> str | None:
    """The last of the head's own commits, each made anew on top of the base; None when one of them conflicts.

    A commit is carried over by merging it with a throw-away commit that has the new tree and the old parent, so that
    git takes exactly that parent as the common ground.
    """
    onto = base
    shas = (await git.text("rev-list", "--reverse", "--no-merges", f"{base}..{head}")).split()
    for commit in await read_commits(git, *shas):
        tree = await git.text("rev-parse", f"{onto}^{{tree}}")
        between = await _commit(git, tree, *commit.parents[:1], message="between", environment=_by("between"))
        merged = await merge_trees(git, ours=between, theirs=commit.sha)
        if merged.conflicts:
            return None
        environment = {
            "GIT_AUTHOR_NAME": commit.author.name,
            "GIT_AUTHOR_EMAIL": commit.author.email,
            "GIT_AUTHOR_DATE": commit.author.date,
        }
        onto = await _commit(git, merged.tree, onto, message=commit.message, environment=_by("") | environment)
    return onto


async def move_branch(git: Git, *, branch: str, new: str, old: str | None) -> bool:
    """False when the branch is not at `old` (None: not there at all)."""
    try:
        await compare_and_swap(git, ref=f"refs/heads/{branch}", new=new, old=old)
    except ConflictError:
        return False
    return True


def _by(author: str) -> dict[str, str]:
    person = Identity(name=author, email=f"{author}@users.noreply.github.com").environment()
    return person | {name: value for name, value in COMMITTER.environment().items() if "COMMITTER" in name}


async def _commit(git: Git, tree: str, *parents: str, message: str, environment: dict[str, str]) -> str:
    flags = [part for parent in parents for part in ("-p", parent)]
    return await git.using(extra=environment).text("commit-tree", tree, *flags, "-F", "-", stdin=message.encode())
