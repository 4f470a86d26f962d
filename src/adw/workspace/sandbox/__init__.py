"""Containment: what agents and project commands see of this machine, and the proof that it is no more than that."""

from __future__ import annotations

from adw.workspace.sandbox.containment import HostContainment
from adw.workspace.sandbox.escapes import Escapes, try_to_escape
from adw.workspace.sandbox.find import BrokenSandbox, find_sandbox
from adw.workspace.sandbox.machine import ThisMachine
from adw.workspace.sandbox.toolchains import inner_variables

__all__ = [
    "BrokenSandbox",
    "Escapes",
    "HostContainment",
    "ThisMachine",
    "find_sandbox",
    "inner_variables",
    "try_to_escape",
]
