"""What comes before an agent can start, part by part: the working tree, the set-up, the baseline, the CLI itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from adw.agents.scripted_model import Journal, JournalEntry
from benchmarks.bare import converse
from benchmarks.context import Context
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, begin_anew, git, open_stage, watched_worker, worker, write_sample

MORE_FILES = 3000
_READ = ["Read", "Glob", "Grep"]
_SIZES = {"small": 0, "mid-size": MORE_FILES}

Samples = Mapping[str, list[float]]


class _Timed(Journal):
    """A journal that knows when each request came."""

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: list[tuple[float, str]] = []

    def record(self, entry: JournalEntry) -> None:
        self.arrivals.append((time.time(), entry.role or ""))
        super().record(entry)

    def first(self, role: str, *, after: float) -> float:
        return min(moment for moment, asker in self.arrivals if asker == role and moment > after)


def measure(context: Context) -> Figure:
    found = asyncio.run(_measure(context))
    plain, bare = "`git worktree add`", "the Agent SDK alone"
    return Figure(
        title="Up to the agent's start",
        setting=f"Kind plan on two repositories, the small one of 12 files, the mid-size one of {MORE_FILES} more of "
        "4 kB. Each run starts from a commit for which there is no baseline yet; the mirror is there. The sample has "
        "no set-up commands and a check that takes no time, so what is left of those parts is ours. The baseline runs "
        "beside the planner. An agent's start is from its process to its first request.",
        measures=[
            measure
            for size, samples in found.items()
            for measure in (
                Measure(name=f"workspace, {size}", unit="s", samples=samples["workspace"], baseline=samples["git"],
                        baseline_name=plain),
                Measure(name=f"set-up, {size}", unit="s", samples=samples["setup"]),
                Measure(name=f"baseline, {size}", unit="s", samples=samples["baseline"]),
                Measure(name=f"planner's start, {size}", unit="s", samples=samples["agent"], baseline=samples["bare"],
                        baseline_name=bare),
            )
        ],
    )  # fmt: skip


async def _measure(context: Context) -> dict[str, Samples]:
    notes = context.root / "notes"
    found: dict[str, Samples] = {}
    async with open_stage(context.root, scenario(turns=2, turn_ms=0)) as stage:
        journal = stage.model.model.journal = _Timed()
        with worker(stage, watched_worker(notes)):
            for size, more_files in _SIZES.items():
                repo = context.root / size
                write_sample(repo, more_files=more_files)
                found[size] = await _size(replace(stage, repo=repo), journal, notes, context.repetitions(5, quick=2))
    return found


async def _size(stage: Stage, journal: _Timed, notes: Path, rounds: int) -> Samples:
    samples: dict[str, list[float]] = {name: [] for name in ("workspace", "setup", "baseline", "agent", "git", "bare")}
    for number in range(rounds + 1):
        begin_anew(stage.repo)
        begun = time.time()
        await stage.completed(await stage.accept(kind="plan"))
        taken = _taken(notes, journal, begun) | {
            "git": _worktree(stage.repo, number),
            "bare": await _bare_start(stage, journal),
        }
        for name, seconds in taken.items() if number else ():  # the first run makes the mirror
            samples[name].append(seconds)
    return samples


def _taken(notes: Path, journal: _Timed, begun: float) -> dict[str, float]:
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    lines = [line for line in lines if line["begin"] >= begun]
    steps = {line["what"].rpartition(".")[2]: line for line in lines if line["kind"] in {"step", "baseline"}}
    asked = journal.first("planner", after=begun)
    started = max(line["begin"] for line in lines if line["kind"] == "agent" and line["begin"] < asked)
    taken = {name: steps[key]["end"] - steps[key]["begin"] for name, key in _STEPS.items()}
    return {**taken, "agent": asked - started}


_STEPS = {"workspace": "workspace", "setup": "setup", "baseline": "run_baseline"}
"""The parts and the last part of the names under which a watched worker notes them."""


def _worktree(repo: Path, number: int) -> float:
    started = time.perf_counter()
    git(repo, "worktree", "add", "-q", "--detach", str(repo.parent / f"{repo.name}-tree-{number}"))
    return time.perf_counter() - started


async def _bare_start(stage: Stage, journal: _Timed) -> float:
    begun = time.time()
    await converse(stage.repo, "planner", model_url=stage.model_url, tools=[*_READ, "Write", "Edit"])
    return journal.first("planner", after=begun) - begun
