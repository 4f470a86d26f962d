"""Pushes that can be repeated and that never overwrite what we did not know of."""

from __future__ import annotations

from pathlib import Path

from adw.kit.errors import ConflictError
from adw.kit.git.access import RemoteAccess, authorised, remote_arguments
from adw.kit.git.runner import Git, GitCommandError
from adw.kit.git.transfer import remote_refs

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
        raise await _conflict(git, remote, ref=ref, access=access)
    raise GitCommandError(command=command, code=done.code, stderr=line.encode() + b"\n" + done.stderr)


async def delete_refs(git: Git, remote: Path | str, *, prefix: str, access: RemoteAccess | None = None) -> list[str]:
    """Deletes all refs below a prefix on a remote; returns their names."""
    async with authorised(git, remote, access) as allowed:
        output = await allowed.text("ls-remote", "--quiet", *remote_arguments(remote), f"{prefix}*")
        found = [name for _, _, name in (line.partition("\t") for line in output.splitlines())]
        doomed = [name for name in found if name.startswith(prefix)]
        if doomed:
            await allowed.run(
                "push", "--quiet", *remote_arguments(remote, pushing=True), *(f":{ref}" for ref in doomed)
            )
    return doomed


async def delete_branch(
    git: Git, remote: Path | str, *, branch: str, sha: str, access: RemoteAccess | None = None
) -> None:
    """Deletes a branch on a remote if it is at this commit. Raises ConflictError when it moved; a gone one is fine."""
    ref = f"refs/heads/{branch}"
    command = ("push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{sha}")
    async with authorised(git, remote, access) as allowed:
        done = await allowed.run(*command, *remote_arguments(remote, pushing=True), f":{ref}", accept=(0, 1, 128))
    if done.code == 0 or not await remote_refs(git, remote, names=(ref,), access=access):
        return
    if "stale info" in done.out:
        raise await _conflict(git, remote, ref=ref, access=access)
    raise GitCommandError(command=command, code=done.code, stderr=done.stderr)


async def _conflict(git: Git, remote: Path | str, *, ref: str, access: RemoteAccess | None) -> ConflictError:
    branch = ref.removeprefix("refs/heads/")
    if not await remote_refs(git, remote, names=(ref,), access=access):
        return ConflictError(f"{branch} was deleted on the remote", hint="Retry to push it again as a new branch")
    return ConflictError(
        f"{branch} on the remote holds commits this workflow does not know of",
        hint="Retry to take them in, or give them up with `adw workflow retry ID --from PHASE --discard-foreign`",
    )
