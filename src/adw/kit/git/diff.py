"""What one commit changes against another, as text a person reads. Nothing the repository contains is run for it."""

from __future__ import annotations

from adw.kit.git.runner import Git

_OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--src-prefix=a/", "--dst-prefix=b/")


async def unified_diff(git: Git, *, base: str, head: str) -> str:
    """What `head` changes since it left `base`; bytes that are not UTF-8 are replaced.

    Both are commits of this repository. Without a common ancestor it is the difference of the two as they are.
    """
    common = await git.run("merge-base", "--end-of-options", base, head, accept=(0, 1))
    start = common.out.strip() or base
    return await plain_diff(git, before=start, after=head)


async def plain_diff(git: Git, *, before: str, after: str) -> str:
    """How one commit's files differ from another's, whatever their histories."""
    done = await git.run("diff", *_OPTIONS, "--end-of-options", before, after, "--")
    return done.stdout.decode("utf-8", "replace")
