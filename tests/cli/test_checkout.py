from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from adw.cli.checkout import check_out
from adw.kit.errors import ConflictError, GitError


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, name: str) -> str:
    (folder / name).write_text(name)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"Add {name}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def remote(repo: Path, tmp_path: Path) -> Path:
    """A clone that is on branch `work`, one commit ahead of what the person has."""
    clone = tmp_path / "remote"
    git(repo, "clone", "-q", str(repo), str(clone))
    git(clone, "checkout", "-qb", "work")
    commit(clone, "fixed.txt")
    return clone


def head(folder: Path) -> tuple[str, str]:
    return git(folder, "rev-parse", "--abbrev-ref", "HEAD"), git(folder, "rev-parse", "HEAD")


def test_a_branch_is_fetched_and_checked_out(repo: Path, remote: Path) -> None:
    sha = git(remote, "rev-parse", "HEAD")

    check_out(repo, branch="work", sha=sha, remote=remote)

    assert head(repo) == ("work", sha)
    assert (repo / "fixed.txt").exists()


def test_a_branch_that_is_behind_moves_forward(repo: Path, remote: Path) -> None:
    check_out(repo, branch="work", sha=git(remote, "rev-parse", "HEAD"), remote=remote)
    newer = commit(remote, "more.txt")

    check_out(repo, branch="work", sha=newer, remote=remote)

    assert head(repo) == ("work", newer)


def test_commits_of_the_persons_own_on_top_are_kept(repo: Path, remote: Path) -> None:
    sha = git(remote, "rev-parse", "HEAD")
    check_out(repo, branch="work", sha=sha, remote=remote)
    own = commit(repo, "own.txt")
    git(repo, "checkout", "-q", "main")

    check_out(repo, branch="work", sha=sha, remote=remote)

    assert head(repo) == ("work", own)


def test_a_branch_with_other_commits_is_left_to_the_person(repo: Path, remote: Path) -> None:
    git(repo, "checkout", "-qb", "work")
    own = commit(repo, "own.txt")

    with pytest.raises(ConflictError, match="holds commits that the pull request lacks"):
        check_out(repo, branch="work", sha=git(remote, "rev-parse", "HEAD"), remote=remote)

    assert head(repo) == ("work", own)


def test_changed_files_are_never_touched(repo: Path, remote: Path) -> None:
    (repo / "README.md").write_text("my own words\n")

    with pytest.raises(ConflictError, match="has uncommitted changes"):
        check_out(repo, branch="work", sha=git(remote, "rev-parse", "HEAD"), remote=remote)

    assert head(repo)[0] == "main"
    assert (repo / "README.md").read_text() == "my own words\n"


def test_an_untracked_file_in_the_way_is_gits_refusal(repo: Path, remote: Path) -> None:
    (repo / "fixed.txt").write_text("mine")

    with pytest.raises(GitError, match="git checkout failed"):
        check_out(repo, branch="work", sha=git(remote, "rev-parse", "HEAD"), remote=remote)

    assert (repo / "fixed.txt").read_text() == "mine"
