"""The machinery of the benchmarks: adding up, reporting, and the command itself. No figure is measured here."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from benchmarks.crowd import Crowd, measures_of
from benchmarks.figures import FIGURES
from benchmarks.figures.overhead import cost_of
from benchmarks.intervals import length, shares
from benchmarks.results import Figure, Measure, Table, figure_from, percentile
from benchmarks.scenario import scenario

from benchmarks import machine, report

ROOT = Path(__file__).resolve().parents[2]
FIGURE = Figure(
    title="Speed",
    setting="Twice.",
    measures=[
        Measure(name="fast", unit="s", samples=[1.0, 3.0, 2.0], baseline=[1.0], baseline_name="bare", goal_at_most=2.5),
        Measure(name="slow", unit="s", samples=[3.0], goal_at_most=2.5),
    ],
    tables=[Table(title="Details", columns=["part", "s"], rows=[["all", 2.0]])],
)


def entry(figure: Figure | None, problem: str | None = None) -> report.Entry:
    loads = [0.5, 0.4, 0.3]
    return report.Entry(name="speed", figure=figure, problem=problem, seconds=4.0, load_before=loads, load_after=loads)


def test_a_measure_is_the_median_of_its_samples_beside_that_of_its_baseline():
    fast, slow = FIGURE.measures
    assert (fast.median, fast.ratio, fast.met) == (2.0, 2.0, True)
    assert (slow.ratio, slow.met) == (None, False)


def test_a_figure_survives_the_way_between_processes():
    sent = json.dumps(FIGURE.as_dict())
    assert json.dumps(figure_from(json.loads(sent)).as_dict()) == sent


def test_results_are_written_as_json_and_markdown_with_facts_about_the_machine(tmp_path: Path):
    done = report.Report(machine=machine.facts(), quick=True, entries=[entry(FIGURE), entry(None, "exit code 1")])
    data, text = report.write(done, tmp_path)
    written = json.loads(data.read_text())
    assert written["missed"] == ["speed: slow"]
    assert written["failed"] == ["speed"]
    assert {"cores", "memory_gib", "kernel", "python", "versions", "date"} <= set(written["machine"])
    assert written["figures"][0]["load_before"] == [0.5, 0.4, 0.3]
    assert (tmp_path / "latest.md").read_text() == text.read_text()
    assert "| fast | 2 s | 1 to 3, n=3 | bare | 1 s | 2 | ≤ 2.5: met |" in text.read_text()
    assert "Not measured (4 s, load average 0.50/0.40/0.30 before" in text.read_text()


def test_a_report_ends_with_a_table_of_its_goals():
    done = report.Report(machine=machine.facts(), quick=True, entries=[entry(FIGURE)])
    assert "| `speed` | fast | ≤ 2.5 s | 2 s | 3 s | met | 0.5 on" in report.as_markdown(done)
    assert "| `speed` | slow | ≤ 2.5 s | 3 s | 3 s | **missed** | 0.5 on" in report.as_markdown(done)
    assert [(each["measure"], each["met"]) for each in report.as_json(done)["goals"]] == [
        ("fast", True),
        ("slow", False),
    ]


def test_a_crowd_is_told_for_each_workflow_and_beside_the_smallest():
    one = Crowd(size=1, wall_s=2.0, cpu_s=1.0, memory_mib=200.0, database_mib=4.0)
    four = Crowd(size=4, wall_s=4.0, cpu_s=8.0, memory_mib=400.0, database_mib=8.0)
    found = {measure.name: measure for measure in measures_of([one, four])}
    cpu = found["processor time of a workflow, 4 at once"]
    assert (cpu.median, cpu.ratio, cpu.baseline_name) == (2.0, 2.0, "with 1")
    assert found["memory of a workflow, PSS, 1 at once"].ratio is None


def test_what_runs_side_by_side_is_counted_once():
    assert length([(0, 2), (1, 3), (5, 6), (6, 6)]) == 4
    assert shares([("a", [(0, 4)]), ("b", [(2, 6), (9, 30)])], (1, 10)) == {"a": 3, "b": 3, "rest": 3}


def test_percentiles_are_samples_that_were_seen():
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 99


def test_the_parts_of_a_workflow_add_up_to_its_wall():
    notes = [
        {"kind": "step", "begin": 2.0, "end": 9.0, "own": [[2.5, 8.5]]},
        {"kind": "agent", "begin": 3.0, "end": 7.0},
        {"kind": "git", "begin": 7.0, "end": 8.0},
        {"kind": "command", "begin": 6.0, "end": 7.5},
    ]
    cost = cost_of(notes, bounds=(0.0, 10.0), admitted=1.0, steps=2)
    assert cost.parts == {"agents": 4.0, "project commands": 0.5, "git": 0.5, "rest": 5.0}
    assert sum(cost.rest.values()) == pytest.approx(cost.parts["rest"])
    assert (cost.share, cost.per_step_ms, cost.engine) == (50.0, 2500.0, 1.0)


def test_the_scripted_model_takes_the_turns_asked_for():
    rules = {rule.name: rule for rule in scenario(turns=6, turn_ms=5).rules}
    assert {name: len(rule.steps or []) for name, rule in rules.items()} == {"classify": 1, "plan": 6, "build": 6}


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_can_be_measured(name: str):
    assert callable(import_module(f"benchmarks.figures.{name}").measure)


def test_the_command_lists_its_figures():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(FIGURES)


def test_every_figure_is_explained():
    text = (ROOT / "docs/reference/benchmarks.md").read_text()
    assert [name for name in FIGURES if f"`{name}`" not in text] == []
