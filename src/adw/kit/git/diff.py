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
    done = await git.run("diff", *_OPTIONS, "--end-of-options", start, head, "--")
    return done.stdout.decode("utf-8", "replace")
