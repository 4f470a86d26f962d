from __future__ import annotations

from pathlib import Path

import pytest

from adw.domain.config import SandboxTable
from adw.kit.errors import ConfigurationError
from adw.kit.process import Door
from adw.ports.containment import Site
from adw.workspace.sandbox import HostContainment, ThisMachine, find_sandbox, inner_variables
from adw.workspace.sandbox.find import BrokenSandbox
from adw.workspace.sandbox.machine import secrets_in
from adw.workspace.sandbox.toolchains import programs_behind, toolchains

MODES = ("auto", "bubblewrap", "off")


@pytest.mark.parametrize("operator", MODES)
@pytest.mark.parametrize("project", MODES)
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_who_insists_gets_it_else_each_may_give_it_up(operator, project, platform):
    in_force = HostContainment(operator=operator, platform=platform).in_force(SandboxTable(mode=project))
    if "bubblewrap" in (operator, project):
        assert in_force == "bubblewrap"
    elif "off" in (operator, project):
        assert in_force == "off"
    else:
        assert in_force == {"linux": "bubblewrap", "darwin": "supervisor"}[platform]


def site(tmp_path: Path, **changes) -> Site:
    git_folder = tmp_path / "mirror.git" / "worktrees" / "ours"
    return Site(**({"tree": tmp_path / "tree", "home": tmp_path / "home", "git_folder": git_folder} | changes))


def test_the_tree_and_its_own_part_of_the_repository_can_be_written_and_nothing_else_of_it(tmp_path: Path):
    where = site(tmp_path, writable=(tmp_path / "reports",), readable=(tmp_path / "pictures",))
    found = HostContainment(operator="bubblewrap", env={"TMPDIR": "/tmp"}).confine(SandboxTable(), where)
    assert found is not None
    assert set(found.writable) == {where.tree, where.git_folder, where.home, tmp_path / "reports"}
    assert set(found.readable) == {tmp_path / "mirror.git", tmp_path / "pictures"}
    assert set(found.sealed) == {where.tree / ".git", where.git_folder / "commondir", where.git_folder / "gitdir"}
    assert found.env == {"TMPDIR": "/tmp", "HOME": str(where.home)}
    assert where.home.is_dir()
    assert (tmp_path / "reports").is_dir()


def test_who_may_write_nothing_finds_the_tree_read_only(tmp_path: Path):
    containment = HostContainment(operator="bubblewrap")
    for git_folder in (None, tmp_path / "mirror.git" / "worktrees" / "ours"):
        found = containment.confine(SandboxTable(), site(tmp_path, is_writable=False, git_folder=git_folder))
        assert found is not None
        assert tmp_path / "tree" in found.readable
        assert tmp_path / "tree" not in found.writable


@pytest.mark.parametrize(
    ("wanted", "setup", "usual"), [("setup", "open", "none"), ("none", "none", "none"), ("open", "open", "open")]
)
def test_the_network_is_for_the_set_up_alone_unless_the_project_says_otherwise(tmp_path, wanted, setup, usual):
    table, containment = SandboxTable(network=wanted), HostContainment(operator="bubblewrap")
    door = Door(port=1, socket=tmp_path / "g.sock")
    agent = containment.confine(table, site(tmp_path), ways_out=(door,))
    assert agent is not None
    assert (agent.network, agent.ways_out) == (usual, (door,))
    command = containment.confine(table, site(tmp_path), network=table.setup_network)
    assert command is not None
    assert command.network == setup


def test_nothing_is_confined_where_it_is_off(tmp_path: Path):
    assert HostContainment(operator="off").confine(SandboxTable(), site(tmp_path)) is None
    assert not (tmp_path / "home").exists()


def test_extra_paths_are_absolute_and_may_begin_at_the_person_s_home(tmp_path: Path):
    containment = HostContainment(operator="bubblewrap", home=tmp_path)
    found = containment.confine(SandboxTable(extra_paths=("~/.m2", "/srv/sdk")), site(tmp_path))
    assert found is not None
    assert found.extra == (tmp_path / ".m2", Path("/srv/sdk"))
    for wrong in ("sdk", "/", "/srv/../root"):
        with pytest.raises(ConfigurationError, match="extra_paths"):
            containment.confine(SandboxTable(extra_paths=(wrong,)), site(tmp_path))


def test_what_others_may_not_read_is_a_secret(tmp_path: Path):
    for name, mode in (("open", 0o644), ("closed", 0o640), ("deep/closed", 0o600)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "private" / "inner").touch(mode=0o600)
    (tmp_path / "shadow").touch(mode=0o644)
    (tmp_path / "link").symlink_to(tmp_path / "closed")
    names = [str(path.relative_to(tmp_path)) for path in secrets_in(tmp_path)]
    assert sorted(names) == ["closed", "deep/closed", "private", "shadow"]


def test_toolchains_are_shown_and_the_rest_of_a_home_is_not(tmp_path: Path):
    home = tmp_path / "home"
    for name in (".cargo/bin", ".rustup", "bin", "tools/node/bin", "tools/node/lib", "Documents"):
        (home / name).mkdir(parents=True)
    (home / ".cargo" / "credentials.toml").touch()
    certificate = tmp_path / "ca.pem"
    path = f"{home}/bin:{home}/.cargo/bin:{home}/tools/node/bin:relative:{home}:{tmp_path}/gone"
    found = toolchains({"PATH": path, "SSL_CERT_FILE": str(certificate)}, home=home)
    shown = {str(each.relative_to(home)) for each in found if each.is_relative_to(home)}
    assert shown == {".cargo/bin", ".rustup", "bin", "tools/node/bin", "tools/node/lib"}
    assert certificate in found
    assert inner_variables(home) == {"TMPDIR": "/tmp", "RUSTUP_HOME": str(home / ".rustup")}


def test_a_link_to_a_program_is_shown_with_what_it_leads_to(tmp_path: Path):
    (tmp_path / "real").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "uv").symlink_to(tmp_path / "real")
    assert programs_behind(tmp_path / "tools") == (tmp_path / "real",)
    assert programs_behind(tmp_path / "gone") == ()


async def test_a_bubblewrap_that_fails_its_trial_is_not_used(tmp_path: Path):
    machine = ThisMachine(environment={}, data_dir=tmp_path, tools=tmp_path)
    scripts = {
        "fails": "#!/bin/sh\necho 'No permissions' >&2; exit 1\n",
        "weak": "#!/bin/sh\ncat /proc/self/status /proc/net/dev\n",
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    found = await find_sandbox(machine, candidates=[tmp_path / name for name in (*scripts, "missing")])
    assert isinstance(found, BrokenSandbox)
    for said in ("No permissions", "missing"):
        assert said in found.reason
    assert "capabilities" in found.reason or "network" in found.reason
