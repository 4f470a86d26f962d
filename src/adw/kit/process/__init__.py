"""Processes: who they are, how foreign ones are started, and how nothing outlives its worker."""

from __future__ import annotations

from adw.kit.process.confinement import Confinement, Door
from adw.kit.process.environment import clean_environment
from adw.kit.process.identity import ProcessIdentity, host_identity, identify, is_alive
from adw.kit.process.launch import Exited, Launch
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline
from adw.kit.process.shell import Completed, ProgramNotFoundError, ProgramTimeoutError, run_program
from adw.kit.process.sweep import sweep_orphans

__all__ = [
    "Completed",
    "Confinement",
    "Door",
    "Exited",
    "Launch",
    "Lifeline",
    "ProcessIdentity",
    "ProgramNotFoundError",
    "ProgramTimeoutError",
    "SupervisedLauncher",
    "clean_environment",
    "host_identity",
    "identify",
    "is_alive",
    "run_program",
    "sweep_orphans",
]
