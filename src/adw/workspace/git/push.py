"""Pushes that can be repeated and that never overwrite what we did not know of."""

from __future__ import annotations

from pathlib import Path

from adw.kit.errors import ConflictError
from adw.kit.git.access import RemoteAccess, authorised, remote_arguments
from adw.kit.git.runner import Git, GitCommandError

ANYTHING = "*"


async def push_ref(
    git: Git,
    remote: Path | str,
    *,
    sha: str,
    ref: str,
    expected_old: str | None = ANYTHING,
    access: RemoteAccess | None = None,
) -> bool:
    """Sets a ref on a remote; False when it was there already.

    Unless `expected_old` is ANYTHING the ref must be at that commit (None: must not exist), else ConflictError.
    """
    lease = () if expected_old == ANYTHING else (f"--force-with-lease={ref}:{expected_old or ''}",)
    refspec = f"{'+' if expected_old == ANYTHING else ''}{sha}:{ref}"
    command = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", *lease)
    async with authorised(git, remote, access) as allowed:
        done = await allowed.run(
            *command, *remote_arguments(remote, pushing=True), refspec, accept=(0, 1, 128), timeout_s=1800
        )
    line = next((line for line in done.out.splitlines() if f":{ref}\t" in line), "")
    if done.code == 0:
        return not line.startswith("=")
    if line.startswith("!") and ("stale info" in line or "fetch first" in line or "non-fast-forward" in line):
        raise ConflictError(
            f"{ref.removeprefix('refs/heads/')} on the remote holds commits this workflow does not know of",
            hint="They are adopted by a follow-up round, or discarded with --discard-foreign",
        )
    raise GitCommandError(command=command, code=done.code, stderr=line.encode() + b"\n" + done.stderr)
