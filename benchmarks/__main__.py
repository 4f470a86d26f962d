"""The command: runs figures one after the other, each in a process of its own, and writes what they found."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, report
from benchmarks.figures import FIGURES
from benchmarks.results import figure_from

FOLDER = Path(__file__).parent / "results"
TIMEOUT_S = 1800.0
_TAIL_CHARS = 1500


def main() -> int:
    arguments = _arguments()
    if arguments.list:
        for name, about in FIGURES.items():
            print(f"{name:12} {about}")
        return 0
    done = report.Report(machine=machine.facts(), quick=arguments.quick, entries=[])
    written: tuple[Path, ...] = ()
    for name in arguments.only or list(FIGURES):
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        entry = _run(name, quick=arguments.quick, profile=arguments.profile)
        print(report.entry_markdown(entry), flush=True)
        done = replace(done, entries=[*done.entries, entry])
        written = report.write(done, arguments.out)  # each time anew: a session that is broken off keeps what it has
    for problem in (*[f"goal missed: {each}" for each in done.missed], *[f"not measured: {e}" for e in done.failed]):
        print(problem, file=sys.stderr)
    print(f"written: {' '.join(str(path) for path in written)}", file=sys.stderr)
    return 1 if done.failed or (arguments.strict and done.missed) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed and memory, side by side.")
    parser.add_argument("--only", action="append", choices=list(FIGURES), metavar="NAME", help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="few repetitions: minutes become seconds")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--profile", action="store_true", help="keep raw timestamps beside the results")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the results")
    parser.add_argument("--list", action="store_true", help="list the figures")
    return parser.parse_args()


def _run(name: str, *, quick: bool, profile: bool) -> report.Entry:
    """One figure in a process of its own, so that none inherits another's memory, loops or engine."""
    before, started = machine.load(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="adw-bench-") as folder:
        out = Path(folder) / "figure.json"
        command = [sys.executable, "-m", "benchmarks.one", name, str(out)]
        command += ["--quick"] * quick + ["--keep", str(FOLDER / "raw")] * profile
        problem = _problem(command)
        figure = figure_from(json.loads(out.read_text())) if problem is None else None
    return report.Entry(
        name=name,
        figure=figure,
        problem=problem,
        seconds=time.monotonic() - started,
        load_before=before,
        load_after=machine.load(),
    )


def _problem(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"not finished after {TIMEOUT_S:g} s"
    return None if done.returncode == 0 else f"exit code {done.returncode}\n\n```\n{done.stderr[-_TAIL_CHARS:]}\n```"


if __name__ == "__main__":
    sys.exit(main())
