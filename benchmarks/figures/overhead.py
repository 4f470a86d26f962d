"""What a workflow costs beside its agents, git and the project's commands: in all, for each step, and over the CLI."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.bare import converse_all
from benchmarks.context import Context
from benchmarks.family import own_cpu_s
from benchmarks.intervals import Interval, length, shares, within
from benchmarks.results import Figure, Measure, Table
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, open_stage, watched_worker, worker, write_sample

TURNS = 10
TURN_MS = 1200
_STEPS = text("SELECT count(*) FROM dbos.operation_outputs WHERE workflow_uuid LIKE :runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One workflow, in seconds. `parts` adds up to `wall`; what runs side by side is counted once."""

    wall: float
    parts: dict[str, float]
    rest: dict[str, float]
    """Where the time outside of all programs went."""
    steps: int
    engine: float
    gits: int
    gits_s: float

    @property
    def share(self) -> float:
        return 100 * self.parts["rest"] / self.wall

    @property
    def per_step_ms(self) -> float:
        return 1000 * self.parts["rest"] / self.steps


def measure(context: Context) -> Figure:
    costs, bare, busy_ms = asyncio.run(_measure(context))
    walls = [cost.wall for cost in costs]
    measures = [
        Measure(name="wall", unit="s", samples=walls, baseline=bare, baseline_name="the Agent SDK alone, same turns"),
        Measure(name="outside all programs", unit="s", samples=[cost.parts["rest"] for cost in costs]),
        Measure(name="outside, share of wall", unit="%", samples=[cost.share for cost in costs], goal_at_most=15),
        Measure(name="outside, for each step", unit="ms", samples=[c.per_step_ms for c in costs], goal_at_most=25),
        Measure(
            name="in the engine, for each step",
            unit="ms",
            samples=[1000 * cost.engine / cost.steps for cost in costs],
            goal_at_most=25,
        ),
        Measure(name="the worker's own processor time, for each step", unit="ms", samples=busy_ms),
        Measure(name="durable steps", unit="", samples=[cost.steps for cost in costs]),
        Measure(name="git commands", unit="", samples=[cost.gits for cost in costs]),
        Measure(name="git commands, each", unit="ms", samples=[1000 * cost.gits_s / cost.gits for cost in costs]),
    ]
    middle = sorted(costs, key=lambda cost: cost.wall)[len(costs) // 2]
    return Figure(
        title="Orchestration overhead",
        setting=(
            f"plan-build-test on a sample that needs no installation; planner and implementor take {TURNS} turns each, "
            f"the classifier one, {TURN_MS / 1000:g} s a turn. Wall is from accepted to completed."
        ),
        measures=measures,
        tables=[
            Table(
                title="Where the middle run's time went (what runs side by side counts once, for the first named)",
                columns=["part", "s", "% of wall"],
                rows=[[name, value, 100 * value / middle.wall] for name, value in middle.parts.items()],
            ),
            Table(
                title="What the rest of it consists of",
                columns=["part", "ms", "ms for each step"],
                rows=[[name, 1000 * value, 1000 * value / middle.steps] for name, value in middle.rest.items()],
            ),
        ],
    )


async def _measure(context: Context) -> tuple[list[Cost], list[float], list[float]]:
    notes = context.root / "notes"
    costs: list[Cost] = []
    bare: list[float] = []
    busy_ms: list[float] = []
    turn_ms = 200 if context.quick else TURN_MS
    async with open_stage(context.root, scenario(turns=TURNS, turn_ms=turn_ms)) as stage:
        with worker(stage, watched_worker(notes)) as working:
            await stage.completed(await stage.accept())  # makes the mirror and the baseline
            for number in range(context.repetitions(3)):
                before_s = own_cpu_s(working.pid)
                costs.append(await _one(stage, notes))
                busy_ms.append(1000 * (own_cpu_s(working.pid) - before_s) / costs[-1].steps)
                bare.append(await _bare(context.root / f"bare-{number}", stage))
    if context.keep is not None:
        context.keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(notes, context.keep / "overhead.jsonl")
    return costs, bare, busy_ms


async def _one(stage: Stage, notes: Path) -> Cost:
    adw_id = await stage.accept()
    workflow = await stage.completed(adw_id)
    if workflow.completed_at is None or workflow.started_at is None:
        raise RuntimeError("a completed workflow has its times")
    bounds = (workflow.created_at.timestamp(), workflow.completed_at.timestamp())
    async with stage.foundation.database.read() as connection:
        steps = int((await connection.execute(_STEPS, {"runs": f"%{adw_id}%"})).scalar_one())
    return cost_of(_read(notes, bounds), bounds=bounds, admitted=workflow.started_at.timestamp(), steps=steps)


async def _bare(repo: Path, stage: Stage) -> float:
    write_sample(repo)
    return await converse_all(repo, model_url=stage.model_url)


def cost_of(notes: list[dict[str, Any]], *, bounds: Interval, admitted: float, steps: int) -> Cost:
    """Adds up what a watched worker noted within the bounds of one workflow."""
    kinds = {kind: _spans(notes, kind) for kind in ("agent", "command", "git", "step", "transaction")}
    parts = shares([("agents", kinds["agent"]), ("project commands", kinds["command"]), ("git", kinds["git"])], bounds)
    programs = [*kinds["agent"], *kinds["command"], *kinds["git"]]
    legs = [*kinds["step"], *kinds["transaction"]]
    own = [tuple(each) for note in notes for each in note.get("own", [])]
    begin = min((start for start, _ in legs), default=bounds[1])
    rest = shares(
        [
            ("programs", programs),
            ("queued, until admitted", [(bounds[0], admitted)]),
            ("until the first step", [(admitted, begin)]),
            ("work inside steps", own),
            ("the engine around steps", legs),
        ],
        bounds,
    )
    del rest["programs"]
    rest["between steps"] = rest.pop("rest")
    engine = length(within(legs, bounds)) - length(within(own, bounds))
    return Cost(
        wall=bounds[1] - bounds[0],
        parts=parts,
        rest=rest,
        steps=steps,
        engine=engine,
        gits=len(within(kinds["git"], bounds)),
        gits_s=sum(end - start for start, end in within(kinds["git"], bounds)),
    )


def _read(notes: Path, bounds: Interval) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    return [line for line in lines if line["end"] > bounds[0] and line["begin"] < bounds[1]]


def _spans(notes: list[dict[str, Any]], kind: str) -> list[Interval]:
    return [(note["begin"], note["end"]) for note in notes if note["kind"] == kind]
