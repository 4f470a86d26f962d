"""Results as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import Figure, Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One figure as it was run: what it found, or why it found nothing."""

    name: str
    figure: Figure | None
    problem: str | None
    seconds: float
    load_before: Sequence[float]
    load_after: Sequence[float]

    @property
    def load(self) -> float:
        """The higher of the load averages over a minute before and after."""
        return max(self.load_before[0], self.load_after[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole session."""

    machine: Mapping[str, Any]
    quick: bool
    entries: Sequence[Entry]

    @property
    def failed(self) -> list[str]:
        return [entry.name for entry in self.entries if entry.figure is None]

    @property
    def goals(self) -> list[tuple[Entry, Measure]]:
        """Every measure that has a goal, with its figure."""
        return [
            (entry, measure)
            for entry in self.entries
            if entry.figure is not None
            for measure in entry.figure.measures
            if measure.met is not None
        ]

    @property
    def missed(self) -> list[str]:
        """Goals that were not met, as `figure: measure`."""
        return [f"{entry.name}: {measure.name}" for entry, measure in self.goals if not measure.met]


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Writes `<date>.json` and `<date>.md`, and the same as `latest`; returns the first two."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = str(report.machine["date"]).replace(":", "").replace("+0000", "Z")
    for name in (stem, "latest"):
        (folder / f"{name}.json").write_text(json.dumps(as_json(report), indent=1) + "\n", encoding="utf-8")
        (folder / f"{name}.md").write_text(as_markdown(report), encoding="utf-8")
    return folder / f"{stem}.json", folder / f"{stem}.md"


def as_json(report: Report) -> dict[str, Any]:
    return {
        "machine": dict(report.machine),
        "quick": report.quick,
        "goals": [_goal_json(entry, measure) for entry, measure in report.goals],
        "missed": report.missed,
        "failed": report.failed,
        "figures": [_entry_json(entry) for entry in report.entries],
    }


def as_markdown(report: Report) -> str:
    parts = ["# Benchmarks\n", _machine(report)]
    parts += [entry_markdown(entry) for entry in report.entries]
    parts.append(_verdict(report))
    return "\n".join(parts)


def entry_markdown(entry: Entry) -> str:
    """One figure's section."""
    load = f"load average {_loads(entry.load_before)} before, {_loads(entry.load_after)} after"
    took = f"{entry.seconds:.0f} s, {load}"
    if entry.figure is None:
        return f"## {entry.name}\n\nNot measured ({took}): {entry.problem}\n"
    figure = entry.figure
    head = ["what", "median", "spread", "baseline", "its median", "ratio", "goal"]
    lines = [f"## {figure.title} (`{entry.name}`)\n", f"{figure.setting} Took {took}.\n"]
    lines += _grid(head, [_row(measure) for measure in figure.measures])
    for table in figure.tables:
        rows = [[_number(cell) if isinstance(cell, int | float) else cell for cell in row] for row in table.rows]
        lines += [f"\n{table.title}:\n", *_grid(list(table.columns), rows)]
    return "\n".join(lines) + "\n"


def _row(measure: Measure) -> list[str]:
    base, ratio = measure.baseline_median, measure.ratio
    low, high = min(measure.samples), max(measure.samples)
    goal = "" if measure.goal_at_most is None else f"≤ {_number(measure.goal_at_most)}: "
    return [
        measure.name,
        f"{_number(measure.median)} {measure.unit}",
        f"{_number(low)} to {_number(high)}, n={len(measure.samples)}",
        measure.baseline_name or "—",
        "—" if base is None else f"{_number(base)} {measure.unit}",
        "—" if ratio is None else f"{_number(ratio)}",
        goal + {True: "met", False: "**missed**", None: ""}[measure.met],
    ]


def _machine(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    quick = " Quick run: few repetitions." if report.quick else ""
    return (
        f"{machine['date']}, commit {machine['commit']}. {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}, git {machine['git']}. "
        f"{versions}.{quick}\n"
    )


def _verdict(report: Report) -> str:
    cores = int(report.machine["cores"] or 1)
    head = ["figure", "what", "goal", "median", "worst", "", "load"]
    rows = [[*_goal_row(entry, measure), _busyness(entry.load, cores)] for entry, measure in report.goals]
    lines = ["## Goals\n", *_grid(head, rows), ""]
    lines.append("Missed: " + ", ".join(report.missed) if report.missed else "No goal was missed.")
    if report.failed:
        lines.append("Not measured: " + ", ".join(report.failed))
    return "\n".join(lines) + "\n"


def _busyness(load: float, cores: int) -> str:
    """Times mean little while more wants to run than there are cores."""
    return f"{load:.1f} on {cores} cores" + (": busy" if load > cores else "")


def _goal_row(entry: Entry, measure: Measure) -> list[str]:
    return [
        f"`{entry.name}`",
        measure.name,
        f"≤ {_number(measure.goal_at_most or 0)} {measure.unit}",
        f"{_number(measure.median)} {measure.unit}",
        f"{_number(max(measure.samples))} {measure.unit}",
        "met" if measure.met else "**missed**",
    ]


def _goal_json(entry: Entry, measure: Measure) -> dict[str, Any]:
    return {
        "figure": entry.name,
        "measure": measure.name,
        "unit": measure.unit,
        "goal_at_most": measure.goal_at_most,
        "median": measure.median,
        "met": measure.met,
        "load": entry.load,
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "problem": entry.problem,
        "seconds": entry.seconds,
        "load_before": list(entry.load_before),
        "load_after": list(entry.load_after),
        **(entry.figure.as_dict() if entry.figure is not None else {}),
    }


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _loads(values: Sequence[float]) -> str:
    return "/".join(f"{value:.2f}" for value in values)
