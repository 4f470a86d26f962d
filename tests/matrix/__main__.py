"""Faults at every boundary and inside of steps, by the real parts: `python -m tests.matrix --seed N --minutes M`."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "system"))
from harness import Model, Nursery
from tests.matrix import report
from tests.matrix.boundaries import find_boundaries
from tests.matrix.cell import INSIDE, Result, run_cell
from tests.matrix.faults import FAULTS, why_not
from tests.system.conftest import Cluster, make_folder


def main():
    arguments = parse()
    folder = make_folder()
    cluster, nursery, model = Cluster(folder), Nursery(measured=False), Model()
    print(f"seed {arguments.seed}", flush=True)
    try:
        results = asyncio.run(go_through(arguments, cluster=cluster, nursery=nursery, model=model))
    finally:
        nursery.close()
        model.close()
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)
    for path in report.write(arguments.out, seed=arguments.seed, runtime=arguments.runtime, results=results):
        print(f"written: {path}")
    bad = [each for each in results if not each.is_good]
    print(f"{len(results)} cells, {len(bad)} bad")
    return 1 if bad else 0


def parse():
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description="Faults at every boundary.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="chooses the cells and their order")
    parser.add_argument("--minutes", type=float, default=60.0, help="no cell begins after that")
    parser.add_argument("--cells", type=int, default=None, help="at most so many")
    parser.add_argument("--runtime", choices=["claude", "plain"], default="claude")
    parser.add_argument("--faults", default=",".join(FAULTS), help="separated by commas")
    parser.add_argument("--point", default=None, help="only this one")
    parser.add_argument("--out", type=Path, default=Path("crash-matrix"), help="folder of the report")
    return parser.parse_args()


async def go_through(arguments, **ground):
    chance = random.Random(arguments.seed)
    until = time.monotonic() + arguments.minutes * 60
    boundaries = [] if arguments.point else await find_boundaries(**ground)
    cells = chosen(arguments, boundaries, chance)
    results = []
    for point, fault in cells:
        reason = why_not(fault, point, arguments.runtime)
        if reason is not None:
            results.append(Result(point=point, fault=fault, outcome=f"skipped: {reason}"))
        elif time.monotonic() < until:
            found = await run_cell(point, fault, runtime=arguments.runtime, random=chance, **ground)
            results.append(found)
        else:
            break
        tell(results[-1])
    return results


def chosen(arguments, boundaries, chance):
    """Every inside point with every fault first, then as many boundaries as there is time for, in a random order."""
    faults = [name for name in arguments.faults.split(",") if name]
    if arguments.point:
        return [(arguments.point, fault) for fault in faults]
    inside = [(point, fault) for point in INSIDE for fault in faults]
    rest = [(point, fault) for point in boundaries for fault in faults if fault != "kill-agent"]
    for some in (inside, rest):
        chance.shuffle(some)
    mixed = [cell for pair in zip(inside, rest, strict=False) for cell in pair] + rest[len(inside) :]
    return mixed[: arguments.cells]


def tell(result):
    problems = [*result.duplicated, *result.lost, *result.left]
    mark = "ok " if result.is_good else "BAD"
    about = f"{result.outcome}, recovered in {result.recovery_s} s, took {result.took_s} s"
    print(f"{mark} {result.fault:14} {result.point:44} {about} {problems or ''}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
