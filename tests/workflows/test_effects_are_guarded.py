"""Whoever lost its lease has no effect on the outside: right before each one, the ownership is read again.

Every operation of the ports is classified here, and every call in `workflows` is found in the source, so that neither
a new operation nor a new call can be forgotten.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import adw.workflows
from adw.ports.forge import Forge
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import Workspace, Workspaces

EFFECTS = {
    Forge: {
        "create_issue",
        "close_issue",
        "create_comment",
        "update_comment",
        "upsert_comment",
        "ensure_pull_request",
        "update_pull_request",
        "mark_ready",
        "mark_draft",
        "close_pull_request",
        "add_review",
        "merge_pull_request",
        "rerun_check",
        "reply_to_thread",
        "resolve_thread",
        "add_labels",
        "remove_label",
    },
    ProjectAccess: {"prepare_remote", "start_branch", "retire", "publish", "count_as_published", "forget_work"},
    Workspace: {"push", "keep", "keep_as", "snapshot"},
    Workspaces: {"forget"},
}
"""What changes a forge, a remote or a person's repository."""

HARMLESS = {
    Forge: {
        "get_issue",
        "list_issues",
        "list_comments",
        "get_pull_request",
        "list_pull_requests",
        "find_pull_request",
        "list_reviews",
        "diff",
        "find_merge_on_base",
        "list_checks",
        "check_log",
        "branch_rules",
        "branch_head",
        "list_threads",
        "ourselves",
        "permission_of",
    },
    ProjectAccess: {
        "find_remote",
        "read_committed",
        "list_committed",
        "branch_tip",
        "diff",
        "diff_between",
        "foreign_tips",
        "conflicts",
        "revert",
        "repository",
        "forge",
    },
    Workspace: {
        "head",
        "status",
        "changed_files",
        "commit_all",
        "restore",
        "reset",
        "remote_head",
        "adopt_remote",
        "merge",
        "rejoin",
        "diff",
        "diff_stat",
        "read_committed",
    },
    Workspaces: {"resolve_base", "prepare", "open", "prepare_detached", "remove", "list", "reconcile"},
}
"""What only looks, or changes nothing but this host's own copy."""

NAMES = frozenset().union(*EFFECTS.values())
SOURCES = sorted(Path(adw.workflows.__path__[0]).rglob("*.py"))
CHECK = "check_ownership"


@pytest.mark.parametrize("port", EFFECTS)
def test_every_operation_of_a_port_is_classified(port):
    operations = {name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")}
    assert operations == EFFECTS[port] | HARMLESS[port]
    assert not EFFECTS[port] & HARMLESS[port]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_ownership_is_read_right_before_each_effect(source):
    """Between an effect and the one before it, in the same function, stands a look at the ownership."""
    unguarded = [
        f"{source.name}:{node.lineno} {node.func.attr}"
        for function in _functions(ast.parse(source.read_text()))
        for node in _unguarded(function)
    ]
    assert unguarded == []


def test_effects_are_found_in_the_source():
    calls = {node.func.attr for source in SOURCES for node in _calls(ast.parse(source.read_text()))}
    assert calls & NAMES >= {"push", "publish", "snapshot", "merge_pull_request", "upsert_comment", "forget", "retire"}


def _functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def _calls(tree):
    """Method calls in the order in which they are written, those of functions within left out."""
    found = []
    waiting = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop(0)
        if isinstance(tree, ast.AsyncFunctionDef) and isinstance(node, ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.append(node)
        waiting += ast.iter_child_nodes(node)
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _unguarded(function):
    is_fresh = False
    for call in _calls(function):
        name = call.func.attr
        if name == CHECK:
            is_fresh = True
        elif name in NAMES and isinstance(call.func.value, ast.Name | ast.Attribute):
            if not is_fresh:
                yield call
            is_fresh = False
