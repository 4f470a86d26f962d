"""What `--repo` may be."""

from __future__ import annotations

import pytest

from adw.cli.commands.run import read_target, repository_of
from adw.cli.repository import repository


def test_a_folder_inside_a_repository_means_the_repository(tmp_path, monkeypatch):
    inside = tmp_path / "work" / "src"
    inside.mkdir(parents=True)
    (tmp_path / "work" / ".git").mkdir()
    monkeypatch.chdir(inside)
    assert repository(".").reference == repository(str(inside)).reference == str(tmp_path / "work")
    assert repository(".").folder == tmp_path / "work"


def test_a_name_with_an_owner_is_on_the_network_unless_there_is_such_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert repository("ada/tool").reference == "ada/tool"
    assert repository("ada/tool").folder is None
    assert repository("ada/tool").here == tmp_path
    (tmp_path / "ada" / "tool").mkdir(parents=True)
    assert repository("ada/tool").folder == tmp_path / "ada" / "tool"


@pytest.mark.parametrize("address", ["https://github.com/ada/tool", "git@github.com:ada/tool.git", "ssh://git@h/a/b"])
def test_addresses_are_passed_on_as_they_are(address):
    assert repository(address).reference == address


@pytest.mark.parametrize("path", ["missing", "../missing/too", "/no/such/place", "a/b/c"])
def test_anything_else_is_a_path_that_the_server_judges(path):
    assert repository(path).folder is not None
    assert repository(path).reference.startswith("/")


def test_the_address_of_an_issue_names_its_number_and_its_repository():
    address = "https://github.example/ada/tool/issues/12#issuecomment-1"
    assert read_target(address) == (12, None)
    assert repository_of(address) == "https://github.example/ada/tool"
    assert repository_of("12") is None
    assert repository_of("see https://github.example/ada/tool/issues/12") is None
    assert read_target("see https://github.example/ada/tool/issues/12")[0] is None
