"""The steering commands: what they ask of the server, what they print, and how they refuse."""

from __future__ import annotations

import json

import pytest

from adw.cli.main import run
from adw.kit.errors import ConflictError, ExitCode, UsageError, WrongStateError

VIEW = {"adwId": "1a2b3c4d", "status": "queued", "forkedFrom": "0a0a0a0a"}
RUN = {
    "adwId": "0a0a0a0a",
    "workflowType": "sdlc",
    "status": "completed",
    "modelSet": "base",
    "forkedFrom": None,
    "branchName": "b",
    "prNumber": 3,
    "prState": "ready",
    "head": "f" * 40,
    "durationMs": 61_000,
    "usage": {"requests": 3, "inputTokens": 1000, "outputTokens": 200, "costUsd": 0.5},
    "phases": [{"name": "plan", "status": "completed", "attempts": 2, "durationMs": 1000}],
    "gates": [{"phase": "test", "gate": "tests", "outcome": "passed", "commit": "f" * 40, "summary": "3 passed"}],
}
OTHER = {**RUN, "adwId": "1a2b3c4d", "prNumber": None, "phases": [], "gates": []}
COMPARED = {
    "first": RUN,
    "second": OTHER,
    "files": [{"path": "a.py", "status": "modified", "additions": 2, "deletions": 1, "isBinary": False}],
    "additions": 2,
    "deletions": 1,
    "diff": "diff --git a/a.py b/a.py\n",
}
AGENT = {
    "id": "9f" * 16,
    "adwId": "1a2b3c4d",
    "role": "implementor",
    "phase": "build",
    "attempt": 1,
    "round": 0,
    "model": "some-model",
    "sessionId": "s",
    "since": "2026-05-01T10:00:00Z",
}
ANSWERS = {
    "retry": {"workflow": VIEW},
    "fork": {"adwId": "1a2b3c4d", "workflow": VIEW},
    "compare": COMPARED,
    "takeover": {"workflow": VIEW, "path": "/data/trees/1a2b3c4d", "notes": ["mind the step"]},
    "handback": {"workflow": VIEW},
    "agents": {"agents": [AGENT]},
    "free_agents": {"agents": []},
    "send_message": {"adwId": "1a2b3c4d", "body": "Be brief"},
}


class Server:
    """Stands for the client of a server: remembers what was asked, and answers or refuses."""

    def __init__(self):
        self.asked = []
        self.refuses = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __getattr__(self, name):
        def call(*args, **options):
            if self.refuses:
                raise self.refuses
            self.asked.append((name, *args, options))
            return ANSWERS[name]

        return call


@pytest.fixture
def server(monkeypatch):
    server = Server()
    for module in ("steering", "agent"):
        monkeypatch.setattr(f"adw.cli.commands.{module}.connect", lambda: server)
    return server


AS_BEFORE = {"model_set": None, "model": None, "message": None}
COMMANDS = {
    "retry": (
        ("workflow", "retry", "1a", "--from", "build", "--discard-foreign"),
        ("retry", "1a", {"from_phase": "build", "discard_foreign": True} | AS_BEFORE),
        "workflow 1a2b3c4d is queued",
    ),
    "plain retry": (
        ("workflow", "retry", "1a"),
        ("retry", "1a", {"from_phase": None, "discard_foreign": False} | AS_BEFORE),
        "workflow 1a2b3c4d is queued",
    ),
    "fork": (
        ("workflow", "fork", "0a", "--from", "test", "-w", "sdlc"),
        ("fork", "0a", {"from_phase": "test", "workflow_type": "sdlc"} | AS_BEFORE),
        "adw compare 0a0a0a0a 1a2b3c4d",
    ),
    "retry otherwise": (
        ("workflow", "retry", "1a", "--model-set", "heavy", "--say", "Mind the zone"),
        (
            "retry",
            "1a",
            {"from_phase": None, "discard_foreign": False}
            | {"model_set": "heavy", "model": None, "message": "Mind the zone"},
        ),
        "workflow 1a2b3c4d is queued",
    ),
    "fork otherwise": (
        ("workflow", "fork", "0a", "--from", "test", "--model", "m-5", "--say", "Be brief"),
        (
            "fork",
            "0a",
            {"from_phase": "test", "workflow_type": None} | {"model_set": None, "model": "m-5", "message": "Be brief"},
        ),
        "branched off 0a0a0a0a",
    ),
    "short compare": (("compare", "0a", "1a"), ("compare", "0a", "1a", {}), "completed in 1.0 s, 2 attempts"),
    "compare": (("workflow", "compare", "0a", "1a"), ("compare", "0a", "1a", {}), "completed in 1.0 s, 2 attempts"),
    "takeover": (("workflow", "takeover", "1a"), ("takeover", "1a", {}), "note: mind the step"),
    "handback": (
        ("workflow", "handback", "1a", "-m", "Mend it"),
        ("handback", "1a", {"message": "Mend it"}),
        "workflow 1a2b3c4d is queued",
    ),
    "agent send": (("agent", "send", "1a", "Be brief"), ("send_message", "1a", "Be brief", {}), "next safe point"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_asks_the_server_and_says_what_became_of_it(server, capsys, name):
    words, asked, said = COMMANDS[name]
    assert run(words) is ExitCode.OK
    assert server.asked == [asked]
    out, err = capsys.readouterr()
    assert said in out + err


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_one_document(server, capsys, name):
    words, (method, *_), _ = COMMANDS[name]
    assert run((*words, "--json")) is ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document in (ANSWERS[method], VIEW)
    assert len(server.asked) == 1


def test_agents_of_workflows_and_those_outside_of_them_are_listed_together(server, capsys):
    assert run(("agent", "list")) is ExitCode.OK
    assert server.asked == [("agents", {}), ("free_agents", {})]
    assert "implementor" in capsys.readouterr().out
    assert run(("agent", "list", "--json")) is ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {"agents": [AGENT], "named": []}


def test_the_path_of_a_worktree_is_all_that_is_printed(server, capsys):
    run(("workflow", "takeover", "1a"))
    assert capsys.readouterr().out == "/data/trees/1a2b3c4d\n"
    assert server.asked


def test_the_difference_is_shown_when_it_is_asked_for(server, capsys):
    run(("workflow", "compare", "0a", "1a", "--diff"))
    out = capsys.readouterr().out
    assert "a.py" in out
    assert out.endswith("diff --git a/a.py b/a.py\n")
    assert server.asked


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongStateError("it is active", hint="wait"), ExitCode.CONFLICT),
        (ConflictError("others", hint="add --discard-foreign"), ExitCode.CONFLICT),
        (UsageError("never run"), ExitCode.USAGE),
    ],
)
def test_a_refusal_has_its_exit_code_and_hint(server, capsys, error, code):
    server.refuses = error
    assert run(("workflow", "retry", "1a", "--from", "build")) is code
    err = capsys.readouterr().err
    assert error.message in err
    assert error.hint is None or error.hint in err


def test_discarding_needs_a_phase_to_go_back_to(server):
    assert run(("workflow", "retry", "1a", "--discard-foreign")) is ExitCode.USAGE
    assert run(("workflow", "fork", "1a")) == ExitCode.USAGE
    assert server.asked == []
