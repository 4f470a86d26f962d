"""The matrix as people and programs read it: Markdown and JSON, with the machine and the seed."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, is_dataclass

from benchmarks import machine


def write(folder, *, seed, runtime, results, name="crash-matrix"):
    """Writes both files and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = machine.facts()
    found = asdict(facts) if is_dataclass(facts) else dict(facts)
    about = {"machine": found, "seed": seed, "runtime": runtime, "cells": [each.as_json() for each in results]}
    told = folder / f"{name}.json"
    told.write_text(json.dumps(about, indent=2, default=str) + "\n")
    page = folder / f"{name}.md"
    page.write_text(markdown(seed=seed, runtime=runtime, results=results, facts=found))
    return [page, told]


def markdown(*, seed, runtime, results, facts):
    """A line for each fault, then one for each cell."""
    lines = [f"# Crash matrix, seed {seed}, agents of the {runtime} runtime", ""]
    lines += [", ".join(f"{name}: {value}" for name, value in facts.items()), ""]
    lines += ["| fault | cells | good | duplicated | lost | left | recovery, median s | most s |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for fault in sorted({each.fault for each in results}):
        cells = [each for each in results if each.fault == fault and not each.outcome.startswith("skipped")]
        times = [each.recovery_s for each in cells if each.recovery_s is not None] or [0.0]
        counts = [sum(len(getattr(each, what)) for each in cells) for what in ("duplicated", "lost", "left")]
        good = sum(each.is_good for each in cells)
        shown = [fault, len(cells), good, *counts, statistics.median(times), max(times)]
        lines.append(f"| {' | '.join(map(str, shown))} |")
    lines += ["", "| point | fault | outcome | duplicated | lost | left | recovery s | took s |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for each in results:
        problems = ["; ".join(found) or 0 for found in (each.duplicated, each.lost, each.left)]
        shown = [f"`{each.point}`", each.fault, each.outcome, *problems, each.recovery_s, each.took_s]
        lines.append("| " + " | ".join(str(part).replace("|", "\\|").replace("\n", " ") for part in shown) + " |")
    return "\n".join(lines) + "\n"
