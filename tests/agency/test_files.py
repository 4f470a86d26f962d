"""Where free agents work: trees of their own that outlive commands and hosts, and are kept before they go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.agency.conftest import HOST, Office, calls, change, expire_lease, git, rule, says
from tests.conftest import Eventually

from adw.domain.free_agent import AgentStatus, CommandState


async def test_its_files_begin_at_the_base_commit_and_are_its_own_and_stay(office: Office, repository: Path):
    office.follow(
        rule("paint", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue."), prompt="blue"),
        rule("look", calls("Read", file_path="wall.txt"), says("It is blue."), prompt="colour"),
    )
    await office.create(repository=repository, template="painter")
    assert await office.ask("make it blue") == "Blue."
    assert await office.ask("which colour?") == "It is blue."
    place = Path((await office.agent()).place or "")
    assert (place / "wall.txt").read_text() == "blue\n"
    assert (repository / "wall.txt").read_text() == "white\n"
    used = [entry for entry in await office.log() if entry.kind in {"tool_use", "tool_result"}]
    assert [entry.summary for entry in used][:1] == ["Write wall.txt"]
    assert "blue" in used[-1].body


async def test_without_a_project_it_works_in_an_empty_folder_of_its_own(office: Office):
    office.follow(rule("any", calls("Write", file_path="note.txt", content="x"), says("Noted.")))
    await office.create()
    assert await office.ask("take a note") == "Noted."
    place = Path((await office.agent()).place or "")
    assert [each.name for each in place.iterdir()] == ["note.txt"]
    await office.agency.delete(office.orchestrator.id, "helper", actor="Ada")
    assert await office.holder.hold_one()
    assert (place / "note.txt").exists(), "what nobody else has is left where it is"


async def test_a_deleted_agent_s_work_is_kept_before_its_tree_goes_and_its_name_is_free(
    office: Office, repository: Path
):
    office.follow(rule("any", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue.")))
    first = await office.create(repository=repository, template="painter")
    await office.ask("make it blue")
    place = Path((await office.agent()).place or "")
    await office.agency.delete(office.orchestrator.id, "helper", actor="Ada")
    second = await office.create(repository=repository, template="painter")
    assert second.id != first.id
    assert place.exists(), "it goes when a worker has kept what is in it"
    assert await office.holder.hold_one()
    assert not place.exists()
    gone = await office.agent(str(first.id))
    assert gone.kept_as == f"refs/adw/agents/helper/{first.id.hex[:8]}"
    remote = next((office.root / "forge").glob("*.git"))
    assert git(remote, "show", f"{gone.kept_as}:wall.txt") == "blue\n"
    refs = git(remote, "for-each-ref", "--format=%(refname)", "refs/adw").split()
    assert [each for each in refs if "agent" in each] == [gone.kept_as]
    assert not await office.holder.hold_one()


async def test_deleting_an_agent_at_work_stops_it(office: Office, repository: Path, eventually: Eventually):
    office.follow(rule("slow", says("never", fault="hang")))
    agent = await office.create(repository=repository, template="painter")
    given = await office.tell("slow")
    holding = asyncio.create_task(office.holder.hold_one())
    await eventually(lambda: office.requests)
    await office.agency.delete(office.orchestrator.id, "helper", actor="Ada")
    office.holder.wake()
    async with asyncio.timeout(5):
        assert await holding
    assert (await office.command(given.id)).state is CommandState.INTERRUPTED
    assert await office.holder.hold_one(), "its files are put away"
    now = await office.agent(str(agent.id))
    assert (now.status, now.host, now.kept_as) == (AgentStatus.DELETED, None, None)


async def test_another_host_goes_on_with_the_files_as_they_were_saved(office: Office, repository: Path):
    office.follow(
        rule("look", calls("Read", file_path="wall.txt"), says("It is blue."), any_text="were brought back"),
        rule("paint", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue.")),
    )
    await office.create(repository=repository, template="painter")
    await office.ask("make it blue")
    place = Path((await office.agent()).place or "")
    await office.agents.places.workspaces.remove(place.name)
    await change(office, "UPDATE free_agents SET host = 'gone'")
    assert await office.ask("which colour?") == "It is blue."
    assert (place / "wall.txt").read_text() == "blue\n"
    assert (await office.agent()).host == HOST
    await change(office, "UPDATE free_agents SET host = 'there'")
    await change(
        office,
        "INSERT INTO workers (id, name, host_id, pid, process_started_at, concurrency, code_revision, lease_until)"
        " VALUES ('w9', 'w9', 'there', 1, 1, 1, '0013', now() + interval '1 hour')",
    )
    await office.tell("which colour?")
    assert not await office.holder.hold_one(), "a worker of the host that has its files will do it"


async def test_what_cannot_be_set_up_fails_the_command_and_says_why(office: Office, repository: Path):
    await office.create(repository=repository, template="painter")
    await change(office, f"UPDATE free_agents SET base_sha = '{'0' * 40}'")
    given = await office.tell("paint")
    assert await office.holder.hold_one()
    ended = await office.command(given.id)
    assert (ended.state, bool(ended.answer)) == (CommandState.FAILED, True)
    assert office.requests == 0


async def test_files_that_cannot_be_put_away_stay_and_are_tried_again_later(office: Office, repository: Path):
    office.follow(rule("any", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue.")))
    agent = await office.create(repository=repository, template="painter")
    await office.ask("make it blue")
    place = Path((await office.agent()).place or "")
    await office.agency.delete(office.orchestrator.id, "helper", actor="Ada")
    remote = next((office.root / "forge").glob("*.git"))
    remote.rename(remote.with_suffix(".away"))
    assert await office.holder.hold_one()
    assert not await office.holder.hold_one(), "not at once"
    assert (place / "wall.txt").read_text() == "blue\n"
    remote.with_suffix(".away").rename(remote)
    await expire_lease(office)
    assert await office.holder.hold_one()
    assert (await office.agent(str(agent.id))).kept_as == agent.kept_ref
    assert not place.exists()


async def test_an_answer_counts_though_the_files_could_not_be_saved(office: Office, repository: Path):
    office.follow(rule("any", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue."), prompt="blue"))
    await office.create(repository=repository, template="painter")
    remote = next((office.root / "forge").glob("*.git"))
    remote.joinpath("objects").rename(remote / "away")
    assert await office.ask("make it blue") == "Blue."
    remote.joinpath("away").rename(remote / "objects")
    assert (await office.agent()).snapshot_sha is None


async def test_a_disk_that_takes_nothing_fails_the_command_and_says_so(office: Office):
    office.agents.places.folder.write_text("in the way")
    await office.create()
    assert "cannot be made" in await office.ask("hello?")
