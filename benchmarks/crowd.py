"""Many workflows at once by one worker: what each costs in processor time, memory and time on the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.domain.workflow import Workflow
from benchmarks.family import Peak, cpu_s, pss_mib, tree
from benchmarks.results import Measure
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, open_stage, postgres_of, worker

TURNS = 4
TURN_MS = 100
TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """`size` workflows handed in at once. Memory is the most that worker and agents had beyond the idle worker."""

    size: int
    wall_s: float
    cpu_s: float
    memory_mib: float
    database_mib: float


async def crowds(root: Path, sizes: Sequence[int], *, runtime: str) -> list[Crowd]:
    """One after the other, by a worker that may run all of them at once and has run one before."""
    room = {"ADW_MAX_CONCURRENT_WORKFLOWS": str(max(sizes)), "ADW_AGENT_RUNTIME": runtime}
    async with open_stage(root, scenario(turns=TURNS, turn_ms=TURN_MS), **room) as stage:
        found: list[Crowd] = []
        for size in sizes:
            with worker(stage) as working:
                await stage.completed(await stage.accept())
                found.append(await _crowd(stage, working.pid, size))
        return found


def measures_of(found: Sequence[Crowd]) -> list[Measure]:
    """Each crowd beside the first, which is the smallest."""
    first = found[0]
    base = f"with {first.size}"
    return [
        Measure(name=f"{name}, {crowd.size} at once", unit=unit, samples=[getattr(crowd, field) / crowd.size],
                baseline=[] if crowd is first else [getattr(first, field) / first.size],
                baseline_name="" if crowd is first else base)
        for name, unit, field in (
            ("processor time of a workflow", "s", "cpu_s"),
            ("memory of a workflow, PSS", "MiB", "memory_mib"),
            ("database for a workflow, PSS", "MiB", "database_mib"),
            ("time on the clock for a workflow", "s", "wall_s"),
        )
        for crowd in found
    ]  # fmt: skip


async def _crowd(stage: Stage, pid: int, size: int) -> Crowd:
    data_dir = Path(stage.env["ADW_DATA_DIR"])
    idle_mib, idle_database_mib, before_s = pss_mib(tree(pid)), pss_mib(postgres_of(data_dir)), cpu_s(pid)
    with Peak(lambda: tree(pid)) as peak, Peak(lambda: postgres_of(data_dir)) as database:
        ids = [await stage.accept() for _ in range(size)]
        ended = [await stage.completed(each, timeout_s=TIMEOUT_S) for each in ids]
    return Crowd(
        size=size,
        wall_s=_wall(ended),
        cpu_s=cpu_s(pid) - before_s,
        memory_mib=max(0.0, peak.pss_mib - idle_mib),
        database_mib=max(0.0, database.pss_mib - idle_database_mib),
    )


def _wall(workflows: Sequence[Workflow]) -> float:
    begin = min(workflow.created_at for workflow in workflows)
    return max((each.completed_at or begin) - begin for each in workflows).total_seconds()
