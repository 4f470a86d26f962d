from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from adw.kit.errors import UsageError
from adw.ports.workspace import BaseRef, RepositoryRef
from adw.workspace.git import GitWorkspaces


def _ref(source: Path | str, **more: Path) -> RepositoryRef:
    return RepositoryRef(project_id="shop", source=source, remote="/nowhere", **more)


def _everything(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def workspaces(root: Path) -> GitWorkspaces:
    return GitWorkspaces(root / "data")


async def test_the_default_base_is_what_head_names_whatever_its_name(make_repository: Callable, workspaces) -> None:
    person = make_repository(branch="trunk", files={"a": "1"})
    found = await workspaces.resolve_base(_ref(person.path), base=None)
    assert found == BaseRef(name="trunk", sha=person.git("rev-parse", "HEAD"))


async def test_a_named_base_is_resolved_as_a_branch_and_not_as_a_tag(make_repository: Callable, workspaces) -> None:
    person = make_repository(files={"a": "1"})
    person.git("tag", "release")
    release = person.git("rev-parse", "HEAD")
    person.commit({"a": "2"})
    person.git("branch", "release")
    found = await workspaces.resolve_base(_ref(person.path), base="release")
    assert found.sha == person.git("rev-parse", "refs/heads/release") != release


async def test_a_bare_repository_is_a_source(make_repository: Callable, workspaces, root: Path) -> None:
    person = make_repository(branch="trunk", files={"a": "1"})
    person.git("clone", "-q", "--bare", str(person.path), str(root / "bare.git"))
    found = await workspaces.resolve_base(_ref(root / "bare.git"), base=None)
    assert (found.name, found.notes) == ("trunk", ())


async def test_a_linked_worktree_is_a_source(make_repository: Callable, workspaces, root: Path) -> None:
    person = make_repository(files={"a": "1"})
    person.git("worktree", "add", "-q", "-b", "side", str(root / "side"))
    (root / "side" / "a").write_text("changed")
    found = await workspaces.resolve_base(_ref(root / "side"), base=None)
    assert found.name == "side"
    assert "1 uncommitted file " in found.notes[0]


async def test_a_detached_head_falls_back_to_the_usual_name(make_repository: Callable, workspaces) -> None:
    person = make_repository(files={"a": "1"})
    person.git("branch", "zebra")
    person.git("checkout", "-q", "--detach")
    assert (await workspaces.resolve_base(_ref(person.path), base=None)).name == "main"


async def test_a_detached_head_without_a_usual_branch_asks_for_one(make_repository: Callable, workspaces) -> None:
    person = make_repository(branch="one", files={"a": "1"})
    person.git("branch", "two")
    person.git("checkout", "-q", "--detach")
    with pytest.raises(UsageError) as raised:
        await workspaces.resolve_base(_ref(person.path), base=None)
    assert "--base" in (raised.value.hint or "")


async def test_a_repository_without_commits_is_a_usage_error_that_says_what_to_do(make_repository, workspaces) -> None:
    person = make_repository()
    with pytest.raises(UsageError, match="no commit yet") as raised:
        await workspaces.resolve_base(_ref(person.path), base=None)
    assert "commit --allow-empty" in (raised.value.hint or "")


async def test_an_unknown_base_names_the_branches_there_are(make_repository: Callable, workspaces) -> None:
    person = make_repository(files={"a": "1"})
    with pytest.raises(UsageError, match="no branch 'develop'") as raised:
        await workspaces.resolve_base(_ref(person.path), base="develop")
    assert "main" in (raised.value.hint or "")


async def test_a_folder_that_is_no_repository_is_refused_with_a_hint(workspaces, root: Path) -> None:
    (root / "plain").mkdir()
    with pytest.raises(UsageError, match="not a git repository") as raised:
        await workspaces.resolve_base(_ref(root / "plain"), base=None)
    assert "init" in (raised.value.hint or "")


async def test_a_folder_inside_a_repository_is_refused_with_its_top(make_repository: Callable, workspaces) -> None:
    person = make_repository(files={"docs/a": "1"})
    with pytest.raises(UsageError) as raised:
        await workspaces.resolve_base(_ref(person.path / "docs"), base=None)
    assert str(person.path) in (raised.value.hint or "")


async def test_a_missing_folder_is_refused(workspaces, root: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        await workspaces.resolve_base(_ref(root / "nothing"), base=None)


async def test_a_dirty_checkout_is_one_note_and_stays_byte_for_byte_as_it_was(make_repository, workspaces) -> None:
    person = make_repository(files={"a": "1", "b": "2", ".gitignore": "*.log\n"})
    (person.path / "a").write_text("changed")
    (person.path / "new file").write_text("untracked")
    (person.path / "x.log").write_text("ignored")
    (person.path / "staged").write_text("staged")
    person.git("add", "staged")
    (person.path / "b").touch()
    before = _everything(person.path)
    found = await workspaces.resolve_base(_ref(person.path), base=None)
    assert found.notes == (f"3 uncommitted files in {person.path} will not be included",)
    assert _everything(person.path) == before


async def test_a_url_gives_its_default_branch_and_counts_what_was_not_pushed(make_repository, workspaces, root) -> None:
    person = make_repository(branch="trunk", files={"a": "1"})
    url = f"file://{root / 'forge.git'}"
    person.git("clone", "-q", "--bare", str(person.path), str(root / "forge.git"))
    pushed = person.git("rev-parse", "HEAD")
    person.commit({"a": "2"})
    person.commit({"a": "3"})
    (person.path / "a").write_text("4")
    found = await workspaces.resolve_base(_ref(url, checkout=person.path), base=None)
    assert (found.name, found.sha) == ("trunk", pushed)
    assert [note.split(" of ")[0].split(" in ")[0] for note in found.notes] == ["2 commits", "1 uncommitted file"]


async def test_a_url_that_cannot_be_read_is_a_usage_error(workspaces, root: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        await workspaces.resolve_base(_ref(f"file://{root}/nothing.git"), base=None)


async def test_a_branch_missing_behind_a_url_is_a_usage_error(make_repository: Callable, workspaces) -> None:
    person = make_repository(files={"a": "1"})
    with pytest.raises(UsageError, match="no branch dev"):
        await workspaces.resolve_base(_ref(f"file://{person.path}"), base="dev")


@pytest.mark.parametrize("url", ["ext::sh -c touch% /tmp/x", "--upload-pack=touch /tmp/x", "fd::17"])
async def test_an_address_that_would_run_a_program_is_refused(workspaces, url: str) -> None:
    with pytest.raises(UsageError):
        await workspaces.resolve_base(_ref(url), base=None)
