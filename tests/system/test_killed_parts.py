"""What a worker stands on may be gone as well: the agent's program, the database."""

from __future__ import annotations

import contextlib
import shutil

import psutil
import pytest
from harness import Scene
from repositories import make_repository
from script import BUILT, adds_farewell, answer, blocks, classifies, plans, rule, scenario, shell, straight
from tests.system.conftest import make_folder

from adw.kit.errors import DatabaseError
from adw.kit.postgres import EmbeddedPostgres


@pytest.mark.uncontained
async def test_a_killed_agent_is_started_again_in_its_conversation(scene, repository):
    scene.model.follow(
        scenario(
            classifies(),
            plans(),
            rule("resumed", answer(BUILT), role="implementor", turn=2, any_text="I begin"),
            rule(
                "begun",
                blocks({"text": "I begin"}, *adds_farewell()["blocks"]),
                shell(f"touch {scene.folder}/waits; sleep 300"),
                role="implementor",
            ),
        )
    )
    scene.fork_worker(impatient=True)
    accepted = await scene.accept(repository, "plan-build")
    await scene.eventually((scene.folder / "waits").exists, "the agent is at work")
    agents = [
        process for process in scene.survivors() if "--output-format" in process.cmdline() and process.name() != "sh"
    ]
    cli = [process for process in agents if "supervisor" not in " ".join(process.cmdline())]
    assert len(cli) == 1, [process.cmdline() for process in agents]
    cli[0].kill()
    workflow = await scene.completed(accepted.adw_id)
    assert workflow.pr_state == "draft"
    assert scene.model.conversations("implementor") == 1
    agents = await scene.agents(workflow.adw_id)
    assert [agent.retry_count for agent in agents if agent.agent_name == "implementor"] == [1]
    events = await scene.events(workflow.adw_id, "worker_lost")
    assert not events
    booked, counted = (await scene.usage(workflow.adw_id)).tokens, scene.model.journal.totals
    assert (booked.input, booked.output) == (counted.input_tokens, counted.output_tokens), "the model's own count"
    await scene.nothing_survives()


@pytest.fixture
async def embedded(nursery, the_model):
    """A system whose database is its own: started, watched and started again by the worker."""
    folder = make_folder()
    (folder / "data").mkdir(mode=0o711)
    with EmbeddedPostgres(data_dir=folder / "data") as postgres:
        scene = Scene(folder, url=None, model=the_model, nursery=nursery)
        worker = scene.fork_worker()
        scene.url = postgres.start()
        async with scene.opened():
            yield scene
            worker.stop()
    shutil.rmtree(folder)


@pytest.mark.slow
async def test_a_killed_database_comes_back_and_the_work_goes_on(embedded):
    scene = embedded
    repository = make_repository(scene.folder / "sample")
    waits = f"touch {scene.folder}/waits; until [ -e {scene.folder}/go ]; do sleep 0.05; done"
    scene.model.follow(straight(build=[shell(waits), adds_farewell()]))
    accepted = await scene.accept(repository)
    await scene.eventually((scene.folder / "waits").exists, "the agent is at work")
    kill_postmaster(scene)
    (scene.folder / "go").touch()

    async def settled():
        with contextlib.suppress(DatabaseError):
            found = await scene.workflow(accepted.adw_id)
            return found if found.status in {"completed", "failed"} else None

    workflow = await scene.eventually(settled, "the workflow ends")
    assert workflow.status == "completed", (workflow.failure, scene.told())
    assert workflow.pr_state == "ready"
    pulls = await (await scene.forge(workflow)).list_pull_requests(state="all")
    assert len(pulls) == 1
    assert scene.model.conversations("planner") == 1
    events = await scene.events(accepted.adw_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def kill_postmaster(scene):
    """The server and all its processes at once."""
    pid = EmbeddedPostgres(data_dir=scene.folder / "data").status().pid
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)
