"""The boundaries of the whole way, found by walking it once: what is reached is what there is."""

from __future__ import annotations

import shutil

from harness import Scene, WorkerProcess
from repositories import make_repository
from tests.matrix.cell import ZTE
from tests.matrix.points import script
from tests.system.conftest import make_folder


async def find_boundaries(*, cluster, nursery, model):
    """Names of moments: before each effect, and before and after each step's record."""
    folder = make_folder()
    trail = folder / "trail"
    try:
        scene = Scene(folder, url=cluster.make_database(), model=model, nursery=nursery, ADW_AGENT_RUNTIME="plain")
        async with scene.opened():
            model.follow(script(""))
            repository = make_repository(folder / "sample", {"adw.toml": ZTE})
            accepted = await scene.accept(repository, "zte")
            order = {"env": scene.env, "log": str(folder / "log"), "death": None, "impatient": True}
            pid = nursery.fork(order | {"ledger": str(trail), "flows": [accepted.adw_id], "spare": True})
            scene.workers.append(WorkerProcess(pid, folder / "log"))
            await scene.completed(accepted.adw_id)
        return sorted({line.removeprefix("came to ") for line in trail.read_text().splitlines() if "came to " in line})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
