from __future__ import annotations

from pathlib import Path

from adw.kit.process import Confinement, Door
from adw.kit.process.bubblewrap import Machine, profile, relaying

DATA = Path("/srv/adw")
TREE = DATA / "trees" / "ours"


def words(machine: Machine | None = None, **confinement: object) -> list[str]:
    chosen = Confinement(**confinement)  # type: ignore[arg-type]
    seen = machine or Machine(readable=(Path("/usr"),), hidden=(DATA,))
    return profile(seen, chosen, cwd=TREE, temporary=DATA / "run" / "tmp-1")


def place(found: list[str], *wanted: str) -> int:
    """Where these words follow each other; fails when they do not."""
    return next(i for i in range(len(found)) if tuple(found[i : i + len(wanted)]) == wanted)


def test_rights_and_namespaces_are_given_up_and_the_root_cannot_be_written():
    found = words()
    for word in ("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"):
        assert word in found
    assert "--share-net" not in found
    place(found, "--cap-drop", "ALL")
    assert found[-4:] == ["--remount-ro", "/", "--chdir", str(TREE)]


def test_the_network_is_shared_only_where_it_is_open_and_names_can_be_looked_up_then(tmp_path: Path):
    resolver = tmp_path / "resolv.conf"
    machine = Machine(readable=(), names=(resolver,))
    assert str(resolver) not in words(machine)
    found = words(machine, network="open")
    assert "--share-net" in found
    place(found, "--ro-bind-try", str(resolver), str(resolver))


def test_the_inner_folder_s_right_counts_and_sealed_files_come_last(tmp_path: Path):
    repository, own = tmp_path / "mirror.git", tmp_path / "mirror.git" / "worktrees" / "ours"
    own.mkdir(parents=True)
    (own / "gitdir").touch()
    found = words(writable=(own,), readable=(repository,), sealed=(own / "gitdir", own / "missing"))
    outer = place(found, "--ro-bind", str(repository), str(repository))
    inner = place(found, "--bind", str(own), str(own))
    assert outer < inner < place(found, "--ro-bind", str(own / "gitdir"), str(own / "gitdir"))
    assert str(own / "missing") not in found


def test_a_link_in_the_place_of_a_sealed_file_is_not_followed(tmp_path: Path):
    (tmp_path / ".git").symlink_to("/etc")
    assert str(tmp_path / ".git") not in words(writable=(tmp_path,), sealed=(tmp_path / ".git",))


def test_what_is_hidden_stays_hidden_below_what_is_readable_and_beside_what_the_project_names():
    for machine, extra in (
        (Machine(readable=(Path("/srv"),), hidden=(DATA,)), ()),
        (Machine(readable=(), hidden=(DATA,)), (DATA,)),
        (Machine(readable=(), hidden=(DATA,)), (DATA / "postgres",)),
    ):
        found = words(machine, extra=extra, writable=(TREE,))
        shown = max(i for i, word in enumerate(found) if word == "--ro-bind-try")
        covered = place(found, "--tmpfs", str(DATA))
        assert shown < covered < place(found, "--bind", str(TREE), str(TREE)) < place(found, "--remount-ro", str(DATA))


def test_a_link_to_what_is_hidden_does_not_show_it_under_another_name(tmp_path: Path):
    data, link = tmp_path / "data", tmp_path / "sdk"
    data.mkdir()
    link.symlink_to(data)
    assert str(link) not in words(Machine(readable=(), hidden=(data,)), extra=(link,))


def test_secrets_are_empty_and_what_is_gone_is_left_out(tmp_path: Path):
    file, folder = tmp_path / "shadow", tmp_path / "private"
    file.touch()
    folder.mkdir()
    found = words(Machine(readable=(tmp_path,), masked=(file, folder, tmp_path / "gone")))
    place(found, "--ro-bind", "/dev/null", str(file))
    place(found, "--perms", "0000", "--tmpfs", str(folder), "--remount-ro", str(folder))
    assert str(tmp_path / "gone") not in found


def test_the_tools_of_a_hidden_folder_are_shown():
    machine = Machine(readable=(), hidden=(DATA,), tools=(DATA / "tools",))
    place(words(machine), "--ro-bind", str(DATA / "tools"), str(DATA / "tools"))


def test_nothing_runs_in_front_of_a_program_that_needs_no_door():
    door = Door(port=9100, socket=Path("/srv/g.sock"))
    assert relaying(Confinement()) == ()
    assert relaying(Confinement(network="open", ways_out=(door,))) == ()
    assert relaying(Confinement(ways_out=(door,)))[-2:] == ("out:9100:/run/adw/out/g.sock", "--")
    assert relaying(Confinement(ways_in=(door,)))[-2:] == ("in:9100:/run/adw/in/g.sock", "--")
