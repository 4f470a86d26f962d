"""Every place in the workflows' code that takes a step or has an effect, read from the code itself."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from deaths import READS

import adw.workflows
from adw.ports.commands import ProjectCommands
from adw.ports.forge import Forge
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import Workspace, Workspaces

ROOT = Path(adw.workflows.__file__).parent
PORTS = (Forge, Workspace, Workspaces, ProjectAccess, ProjectCommands)
TAKES = frozenset({"step", "transaction", "update", "gate", "require", "_try_step", "_announce"})
"""What takes a step: calls of the context or the leg, and the two that wrap them for comments."""
INNER = "context"
"""The module that turns all of these into steps; who calls it is what counts."""


def takers():
    """Calls that take a step: `module function` with the lines of the call."""
    return [(f"{module} {function}", module, call) for module, function, call in _calls() if _name(call) in TAKES]


def effects():
    """Calls of the ports that change something and that the workflows' code makes."""
    offered = {
        name
        for port in PORTS
        for name, found in inspect.getmembers(port, inspect.iscoroutinefunction)
        if name not in READS and not name.startswith("_")
    }
    return offered & {_name(call) for _, _, call in _calls()}


def unreached(sites):
    """Functions with a call that takes a step and that none of these lines (`module:number`) lies in."""
    seen = {(module, int(number)) for module, _, number in (site.rpartition(":") for site in sites)}
    return {
        f"{place}: {ast.unparse(call)[:60]}": place
        for place, module, call in takers()
        if not any((module, line) in seen for line in range(call.lineno, call.end_lineno + 1))
    }


def _calls():
    for file in sorted(ROOT.rglob("*.py")):
        module = str(file.relative_to(ROOT).with_suffix(""))
        if module == INNER:
            continue
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call):
                        yield module, function.name, node


def _name(call):
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")
