"""What may go wrong with the ground a workflow stands on, and how it is set right again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess

import psutil

from adw.kit.postgres import EmbeddedPostgres

LEASE_S = 3.0
AWAY_S = 1.5
DISK_MB = 96


async def kill_worker(cell):
    cell.worker.kill()
    await cell.replace_worker()
    cell.go()


async def kill_agent(cell):
    for process in cell.agent_processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    cell.go()


async def kill_database(cell):
    kill_postmaster(cell.folder / "pg")
    cell.go()
    await asyncio.sleep(0.3)
    cell.postgres.start()


async def stop_worker(cell):
    """Beyond its lease, while another one is there; then it wakes up."""
    cell.worker.send(signal.SIGSTOP)
    await cell.replace_worker()
    cell.go()
    await asyncio.sleep(LEASE_S + 2)
    with contextlib.suppress(ProcessLookupError):
        cell.worker.send(signal.SIGCONT)


async def cut_database(cell):
    """The first worker loses its way to the database for longer than its lease; another one still has its own."""
    cell.proxy.cut()
    await cell.replace_worker()
    cell.go()
    await asyncio.sleep(LEASE_S + 2)
    cell.proxy.restore()


async def fill_disk(cell):
    ballast = cell.data / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(65536))
            file.flush()
    cell.go()
    await asyncio.sleep(AWAY_S)
    ballast.unlink()
    cell.go()


async def take_remote_away(cell):
    remote = cell.remote
    hidden = remote.with_name("hidden.git")
    remote.rename(hidden)
    cell.go()
    await asyncio.sleep(AWAY_S)
    if remote.exists():  # somebody made an empty one meanwhile
        shutil.rmtree(remote)
    hidden.rename(remote)


FAULTS = {
    "kill-worker": kill_worker,
    "kill-agent": kill_agent,
    "kill-database": kill_database,
    "stop-worker": stop_worker,
    "cut-database": cut_database,
    "disk-full": fill_disk,
    "remote-down": take_remote_away,
}


def kill_postmaster(data):
    """The server and all its processes at once."""
    postmaster = psutil.Process(EmbeddedPostgres(data_dir=data).status().pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)


def why_not(fault, point, runtime):
    """Why a fault cannot be tried here; None when it can."""
    from tests.matrix.points import STREAM, TOOL

    if fault == "kill-agent" and point not in {STREAM, TOOL}:
        return "no agent is at work there"
    if fault == "kill-agent" and runtime == "plain":
        return "agents of the plain runtime are no processes"
    if fault == "disk-full" and os.geteuid() != 0:
        return "mounting a small disk takes root"
    return None


@contextlib.contextmanager
def small_disk(folder):
    """A file system of its own at this folder, of which there soon is no more."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=711", "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
