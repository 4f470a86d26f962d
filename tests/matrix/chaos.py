"""Two workers, many workflows, and every few seconds one worker is gone: `python -m tests.matrix.chaos --seed N`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "system"))
from harness import Model, Nursery, Scene, WorkerProcess
from repositories import git, make_repository
from script import adds_farewell, builds, classifies, documents, plans, reviews, scenario
from tests.matrix.cell import ONCE, ROOM, ZTE
from tests.system.conftest import Cluster, make_folder

from adw.control.cleanup import cleanup
from adw.kit.process import host_identity
from adw.store.leases import list_leases
from benchmarks import machine

ROLES = ("classifier", "planner", "implementor", "reviewer", "documenter")
PATIENCE_S = 900.0


def main():
    arguments = parse()
    folder = make_folder()
    cluster, nursery, model = Cluster(folder), Nursery(measured=False), Model()
    print(f"seed {arguments.seed}", flush=True)
    try:
        found = asyncio.run(unrest(arguments, cluster=cluster, nursery=nursery, model=model))
    finally:
        nursery.close()
        model.close()
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    told = arguments.out / "chaos.json"
    told.write_text(json.dumps(found | {"machine": machine.facts()}, indent=2, default=vars) + "\n")
    print(json.dumps(found, indent=2), f"\nwritten: {told}")
    return 1 if found["problems"] else 0


def parse():
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.chaos", description="Workers die at random.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--seconds", type=float, default=180.0, help="how long workers keep dying")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one death to the next")
    parser.add_argument("--plain", type=int, default=36, help="workflows with agents of the plain runtime")
    parser.add_argument("--claude", type=int, default=4, help="workflows with the real CLI")
    parser.add_argument("--out", type=Path, default=Path("crash-matrix"))
    return parser.parse_args()


async def unrest(arguments, *, cluster, nursery, model):
    chance = random.Random(arguments.seed)
    folder = make_folder()
    model.follow(scenario(classifies(), plans(), builds(adds_farewell()), reviews(), documents()))
    scene = Scene(folder, url=cluster.make_database(), model=model, nursery=nursery, ADW_AGENT_RUNTIME="plain", **ROOM)
    try:
        async with scene.opened():
            begun = time.monotonic()
            work, deaths = await asyncio.gather(hand_in(scene, arguments), keep_killing(scene, arguments, chance))
            flows = await all_settled(scene, work)
            took_s = round(time.monotonic() - begun, 1)
            problems = [f"{each.adw_id}: {p}" for each, r in flows for p in await problems_of(scene, each, r)]
            problems += await left_behind(scene)
            asked = {role: model.conversations(role) for role in ROLES}
            problems += [f"{n} conversations of the {role}" for role, n in asked.items() if n > len(work)]
            states = Counter(f"{each.status} {each.pr_state}" for each, _ in flows)
            about = {"seed": arguments.seed, "workflows": len(work), "deaths": deaths, "took_s": took_s}
            return about | {"states": states, "conversations": asked, "problems": problems}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def hand_in(scene, arguments):
    """One after the other, so that some is at work as long as workers die.

    Each in a repository of its own: what is merged is on a base nobody else moves.
    """
    work, many = [], arguments.plain + arguments.claude
    for number in range(many):
        chosen = '\n[agents]\nruntime = "claude"\n' if number % (many // max(arguments.claude, 1)) == 0 else ""
        repository = make_repository(scene.folder / f"sample-{number}", {"adw.toml": ZTE + chosen})
        work.append(((await scene.accept(repository, "zte")).adw_id, repository))
        await asyncio.sleep(arguments.seconds / many)
    return work


async def keep_killing(scene, arguments, chance):
    workers = [fork(scene), fork(scene)]
    deaths, until = 0, time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        await asyncio.sleep(arguments.every)
        place = chance.randrange(2)
        await asyncio.to_thread(workers[place].kill)
        workers[place] = fork(scene)
        deaths += 1
    return deaths


def fork(scene):
    log = scene.folder / f"worker-{len(scene.workers)}.log"
    order = {"env": scene.env, "log": str(log), "death": None, "impatient": False}
    scene.workers.append(WorkerProcess(scene._nursery.fork(order), log))
    return scene.workers[-1]


async def over(scene, work):
    return all([(await scene.workflow(adw_id)).status not in {"queued", "active"} for adw_id, _ in work])


async def all_settled(scene, work):
    until = time.monotonic() + PATIENCE_S
    while not await over(scene, work) and time.monotonic() < until:  # noqa: ASYNC110 - other processes do it
        await asyncio.sleep(0.5)
    return [(await scene.workflow(adw_id), repository) for adw_id, repository in work]


async def problems_of(scene, workflow, repository):
    if (workflow.status, workflow.pr_state) != ("completed", "merged"):
        return [f"{workflow.status} {workflow.pr_state} {workflow.failure}"]
    events = await scene.events(workflow.adw_id)
    counted = Counter(str(event.type) for event in events)
    found = [f"{counted[name]} x {name}" for name in ONCE if counted[name] != 1]
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        found.append("events are missing")
    forge = await scene.forge(workflow)
    pulls = await forge.list_pull_requests(state="all")
    if [pull.state for pull in pulls] != ["merged"]:
        found.append(f"pull requests {[pull.state for pull in pulls]}")
    if len(comments := await forge.list_comments(workflow.issue_number)) != 2:
        found.append(f"{len(comments)} comments")
    if git(repository, "log", "--format=%s", "main").splitlines() != ["Say farewell (#2)", "Greet people"]:
        found.append("main is not what was merged")
    return found


async def left_behind(scene):
    await cleanup(scene.foundation.database, scene.foundation.workspaces, host=host_identity(), dry_run=False)
    for worker in scene.workers:
        await asyncio.to_thread(worker.kill)
    with contextlib.suppress(AssertionError):
        await scene.eventually(lambda: not scene.survivors(), "nothing survives", timeout_s=10)
    found = [f"process {' '.join(each.cmdline())[:120]}" for each in scene.survivors()]
    async with scene.foundation.database.read() as connection:
        found += [f"port of {row['adw_id']}" for row in await list_leases(connection)]
    trees = scene.foundation.paths.root / "trees"
    return [*found, *(f"tree {each.name}" for each in trees.iterdir() if each.is_dir() and len(each.name) == 8)]


if __name__ == "__main__":
    sys.exit(main())
