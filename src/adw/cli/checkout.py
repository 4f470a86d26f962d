"""Puts a pull request's branch into a person's own checkout, with plain git and never over their work."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from adw.domain.project import ForgeKind
from adw.kit.errors import ConflictError, GitError
from adw.kit.paths import DataPaths

if TYPE_CHECKING:
    from adw.client.types import ProjectDetailDict
    from adw.kit.settings import Settings


def check_out(repo: Path, *, branch: str, sha: str, remote: str) -> None:
    """Checks `branch` out in `repo` at `sha`, fetched from `remote` if need be.

    Raises ConflictError when tracked files are changed or a branch of that name holds other commits, GitError when git
    refuses for reasons of its own.
    """
    if _git(repo, "status", "--porcelain", "--untracked-files=no"):
        raise ConflictError(f"{repo} has uncommitted changes", hint="commit or stash them first")
    if not _says(repo, "cat-file", "-e", f"{sha}^{{commit}}"):
        _git(repo, "fetch", "--quiet", "--no-tags", remote, f"refs/heads/{branch}")
    if not _says(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"):
        _git(repo, "branch", "--no-track", branch, sha)
    _git(repo, "checkout", "--quiet", branch, "--")
    if _says(repo, "merge-base", "--is-ancestor", "HEAD", sha):
        _git(repo, "merge", "--quiet", "--ff-only", sha)
    elif not _says(repo, "merge-base", "--is-ancestor", sha, "HEAD"):
        raise ConflictError(
            f"your branch {branch} holds commits that the pull request lacks, and lacks some of its own",
            hint=f"merge them yourself: git -C {repo} merge {sha[:12]}",
        )


def remote_of(settings: Settings, project: ProjectDetailDict) -> str:
    """What a pull request's branch is fetched from: our own repository, or the forge with the person's own login."""
    if project["forge"] == ForgeKind.LOCAL:
        return str(DataPaths(settings.data_dir).forge_remote(project["id"]))
    return f"{settings.github_server_url}/{project['source']}.git"


def _says(repo: Path, *words: str) -> bool:
    return _run(repo, words).returncode == 0


def _git(repo: Path, *words: str) -> str:
    done = _run(repo, words)
    if done.returncode != 0:
        raise GitError(f"git {words[0]} failed: {done.stderr.strip()}", hint=f"look at it with git -C {repo} status")
    return done.stdout.strip()


def _run(repo: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(repo), *words], capture_output=True, text=True, check=False)
