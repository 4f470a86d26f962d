from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adw.kit.errors import UsageError
from adw.workspace.git import copy_private_files, write_ports_file


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "checkout", tmp_path / "workspace"
    for folder in (source, target):
        folder.mkdir()
    for name in (".env", "config/a.local.json", "config/b.json", ".git/config"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(name)
    return source, target


def test_ports_are_written_for_shells_and_tools(tmp_path: Path) -> None:
    write_ports_file(tmp_path, backend_port=9100, frontend_port=9200)
    text = write_ports_file(tmp_path, backend_port=9101, frontend_port=9201).read_text()
    assert text == "BACKEND_PORT=9101\nFRONTEND_PORT=9201\nVITE_BACKEND_URL=http://localhost:9101\n"
    assert [path.name for path in tmp_path.iterdir()] == [".ports.env"]


def test_a_planted_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name in (".ports.env", ".ports.env.new"):
        (workspace / name).symlink_to(outside)
    assert not write_ports_file(workspace, backend_port=1, frontend_port=2).is_symlink()
    assert outside.read_text() == "precious"


def test_named_files_are_copied_and_a_second_time_too(folders) -> None:
    source, target = folders
    for _ in range(2):
        copied = copy_private_files(source=source, target=target, globs=[".env", "config/*.local.json", "**/*.json"])
        assert copied == [".env", "config/a.local.json", "config/b.json"]
    assert (target / "config" / "a.local.json").read_text() == "config/a.local.json"


@pytest.mark.parametrize("glob", ["../secret", "/etc/passwd", "a/../../b", ""])
def test_globs_that_point_outside_are_refused(folders, glob: str) -> None:
    source, target = folders
    with pytest.raises(UsageError):
        copy_private_files(source=source, target=target, globs=[glob])


def test_links_are_not_copied_and_not_followed_at_the_source(folders, tmp_path: Path) -> None:
    source, target = folders
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text("secret")
    (source / "link").symlink_to(tmp_path / "outside" / "key")
    (source / "folder").symlink_to(tmp_path / "outside")
    assert copy_private_files(source=source, target=target, globs=["link", "folder/key", "missing"]) == []
    assert list(target.iterdir()) == []


def test_links_are_not_followed_at_the_target(folders, tmp_path: Path) -> None:
    source, target = folders
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / ".env").write_text("precious")
    (target / "config").symlink_to(tmp_path / "outside")
    (target / ".env").symlink_to(tmp_path / "outside" / ".env")
    assert copy_private_files(source=source, target=target, globs=[".env", "config/*.json"]) == [".env"]
    assert (tmp_path / "outside" / ".env").read_text() == "precious"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == [".env"]
    assert (target / ".env").read_text() == ".env"


def test_the_repository_itself_is_never_copied_and_folders_in_the_way_stay(folders) -> None:
    source, target = folders
    (target / ".env").mkdir()
    assert copy_private_files(source=source, target=target, globs=[".git/*", "**/config", ".env"]) == []
    shutil.rmtree(target / ".env")
    assert copy_private_files(source=source, target=target, globs=[".env"]) == [".env"]
