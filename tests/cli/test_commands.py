"""Commands against a real server without a worker: what they print, and that `--json` is one document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adw.cli.main import run
from adw.cli.server.record import read_record
from adw.kit.errors import ExitCode


@dataclass(frozen=True)
class Place:
    data_dir: Path
    repo: Path
    variables: dict[str, str]


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def place(database_server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("served")
    name = database_server.copy()
    repo = root / "shop"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    git(repo, "config", "user.name", "Ada")
    (repo / "README.md").write_text("hello\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Say hello")
    variables = {
        "ADW_DATA_DIR": str(root / "data"),
        "DATABASE_URL": database_server.url_of(name),
        "ANTHROPIC_API_KEY": "any",
    }
    command = [sys.executable, "-m", "adw.cli.main", "serve", "--no-worker", "--port", "0", "--until-eof"]
    with subprocess.Popen(
        command, env={**os.environ, **variables}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as server:
        deadline = time.monotonic() + 60
        while read_record(root / "data/server.json") is None:
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.02)
        yield Place(root / "data", repo, variables)
        server.communicate()
    database_server.drop(name)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Adw = Callable[..., Said]


@pytest.fixture
def adw(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adw:
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place.repo)

    def call(*words: str) -> Said:
        code = run(words)
        return Said(int(code), *capsys.readouterr())

    return call


def test_an_issue_is_written_talked_about_and_closed(adw: Adw) -> None:
    made = adw("issue", "create", "--title", "Say goodbye", "--body", "At the end", "--label", "bug", "--json").json
    number = str(made["number"])

    assert made["author"] == "Ada"
    told = adw("issue", "create", "-t", "Another")
    assert told.out.split()[0].startswith("#")
    assert f"adw run {told.out.split()[0][1:]}" in told.err
    assert adw("issue", "comment", number, "--body", "why?", "--json").json["author"] == "Ada"
    assert adw("issue", "comment", number, "-b", "please").err == f"commented on #{number}\n"
    shown = adw("issue", "show", number).out
    assert "Say goodbye" in shown
    assert "[bug]" in shown
    assert "why?" in shown
    assert [each["body"] for each in adw("issue", "show", number, "--json").json["comments"]] == ["why?", "please"]
    assert f"#{number}" in adw("issue", "list").out
    assert number in {str(each["number"]) for each in adw("issue", "list", "--json").json["issues"]}
    assert adw("issue", "close", number, "--json").json["state"] == "closed"
    assert adw("issue", "close", number).err == f"issue #{number} is closed\n"
    assert "Say goodbye" in adw("issue", "list", "--state", "closed").out


def test_work_is_handed_in_seen_and_steered(adw: Adw) -> None:
    started = adw("run", "Greet everybody", "--budget", "$2.50", "--plan-approval", "--json")
    view = started.json
    adw_id = view["adwId"]
    short = adw_id[:6]

    assert started.code == ExitCode.OK
    assert f"adw logs {adw_id} -f" in started.err
    assert (view["status"], view["budgetUsd"], view["options"]["planApproval"]) == ("queued", 2.5, True)
    again = adw("run", f"#{view['issueNumber']}")
    assert again.code == ExitCode.CONFLICT
    assert adw_id in again.err
    assert adw_id in adw("ls").out
    assert adw("ls", "--status", "queued", "--repo", ".", "--json").json["workflows"][0]["adwId"] == adw_id
    assert adw("ls", "--status", "failed").err == "no workflows\n"
    shown = adw("workflow", "show", short).out
    assert "Greet everybody" in shown
    assert "plan" in shown
    document = adw("workflow", "show", short, "--json").json
    assert (document["adwId"], document["evidence"], document["attempts"]) == (adw_id, [], [])
    assert adw("workflow", "pause", short).err == f"workflow {adw_id} is paused\n"
    assert adw("workflow", "resume", short, "--json").json["status"] == "queued"
    refused = adw("workflow", "retry", short)
    assert (refused.code, refused.out) == (ExitCode.CONFLICT, "")
    assert adw("workflow", "cancel", short, "--json").json["status"] == "cancelled"
    assert "cancelled by Ada" in adw("logs", short).out
    events = adw("logs", short, "--json").json["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    followed = adw("logs", short, "-f", "--json").out.splitlines()
    assert [json.loads(line)["seq"] for line in followed] == [event["seq"] for event in events]
    assert adw("logs", short, "-f").out.count("\n") == len(events)
    waited = adw("run", "Wait", "--workflow", "plan")
    assert waited.out.strip() in waited.err


def test_a_dry_run_shows_the_plan_and_what_speaks_against_it_and_does_nothing(
    adw: Adw, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = adw("ls", "--json").json["workflows"]
    shown = adw("run", "Look ahead", "-w", "zte", "--dry-run", "--budget", "2")
    assert shown.code == ExitCode.OK
    for words in (
        "kind      zte",
        "plan, build, test, review, document, ship",
        "planner claude-",
        "$2.00",
        "zte = true",
    ):
        assert words in shown.out
    found = adw("run", "Look ahead", "--dry-run", "--json", "--skip-e2e", "--no-resolve").json
    assert (found["success"], found["workflowType"], found["adwId"]) == (True, "plan-build-test", None)
    adw_id = adw("run", "Occupy the issue", "--json").json["adwId"]
    number = str(adw("workflow", "show", adw_id, "--json").json["issueNumber"])
    refused = adw("run", number, "--dry-run")
    assert refused.code == ExitCode.CONFLICT
    assert f"refused [duplicate_run]  issue #{number}" in refused.out
    assert adw_id in refused.out
    assert [each["adwId"] for each in adw("ls", "--json").json["workflows"][1:]] == [each["adwId"] for each in before]
    adw("workflow", "cancel", adw_id)


def test_a_single_phase_names_the_work_it_is_done_on(adw: Adw, place: Place) -> None:
    for phase in ("build", "test", "review", "document", "ship"):
        refused = adw("run", "-w", phase)
        assert (refused.code, "--on" in refused.err) == (ExitCode.USAGE, True)
    for kind in ("plan", "sdlc", "of-our-own"):
        assert adw("run", "Fix it", "-w", kind, "--on", "main").code == ExitCode.USAGE
    assert adw("run").code == ExitCode.USAGE
    unknown = adw("run", "Fix it", "-w", "plan-bild")
    assert (unknown.code, "did you mean `plan-build`" in unknown.err) == (ExitCode.USAGE, True)
    adw_id = adw("run", "Fix it", "--skip-e2e", "--no-auto-resolve", "--json").json["adwId"]
    options = adw("workflow", "show", adw_id, "--json").json["options"]
    assert (options["skipE2e"], options["autoResolve"]) == (True, False)
    busy = adw("run", "-w", "test", "--on", adw_id[:7])
    assert (busy.code, "queued" in busy.err) == (ExitCode.CONFLICT, True)
    adw("workflow", "cancel", adw_id)
    over = adw("run", "-w", "test", "--on", adw_id)
    assert (over.code, "cancelled" in over.err) == (ExitCode.CONFLICT, True)
    git(place.repo, "branch", "theirs")
    nothing = adw("run", "-w", "test", "--on", "theirs")
    assert (nothing.code, "holds nothing that main does not hold" in nothing.err) == (ExitCode.USAGE, True)


def test_what_a_fresh_workflow_left_behind_is_nothing_yet(adw: Adw, tmp_path: Path) -> None:
    adw_id = adw("run", "Look at it", "--workflow", "plan", "--json").json["adwId"]
    short, file = adw_id[:6], tmp_path / "transcript.md"

    assert adw("workflow", "diff", short).out == ""
    assert adw("workflow", "diff", short, "--stat").err == "no change yet\n"
    assert adw("workflow", "diff", short, "--json").json["diff"] == ""
    assert "diff" not in adw("workflow", "diff", short, "--json", "--stat").json
    assert adw("workflow", "artifacts", short).err == "no artifacts\n"
    assert adw("workflow", "artifacts", short, "--json").json == {"artifacts": []}
    assert adw("workflow", "artifacts", short, "nothing").code == ExitCode.NOT_FOUND
    assert adw("workflow", "artifacts", short, "--output", str(file)).code == ExitCode.USAGE
    assert adw("workflow", "artifacts", short, "nothing", "--json").code == ExitCode.USAGE
    assert "No conversation was held." in adw("workflow", "transcript", short).out
    assert adw("workflow", "transcript", short, "--role", "planner", "--json").json["conversations"] == []
    assert adw("workflow", "transcript", short, "-o", str(file)).out == ""
    assert file.read_text().startswith(f"# Transcript of workflow {adw_id}\n")
    adw("workflow", "transcript", short, "--json", "-o", str(file))
    assert json.loads(file.read_text())["adwId"] == adw_id
    assert adw("logs", short, "--types", "workflow_created", "--after", "1").out == ""
    assert adw("logs", short, "--types", "created").code == ExitCode.USAGE
    assert adw("workflow", "cancel", short).code == ExitCode.OK
    ended = adw("workflow", "logs", "-f", short, "--types", "workflow_cancelled", "--json")
    assert (ended.code, json.loads(ended.out)["type"]) == (ExitCode.FAILED, "workflow_cancelled")


def test_costs_are_a_table_with_a_total(adw: Adw) -> None:
    assert adw("cost").err == "no requests to models\n"
    assert adw("cost", "--by", "day", "--since", "2026-05-01", "--json").json["total"]["costUsd"] == 0
    for words in (("--by", "colour"), ("--since", "yesterday")):
        assert adw("cost", *words).code == ExitCode.USAGE


def test_budgets_are_set_listed_and_lifted(adw: Adw) -> None:
    assert adw("budget", "list").err == "no budgets but those of workflows\n"
    adw("project", "add")
    assert adw("budget", "set", "$5", "--json").json["period"] == "month"
    assert adw("budget", "set", "50", "--global", "--total").out.splitlines()[1].split()[:3] == [
        "(all)",
        "total",
        "$50.00",
    ]
    assert [each["budgetUsd"] for each in adw("budget", "list", "--project", ".", "--json").json["budgets"]] == [50, 5]
    assert adw("budget", "clear", "--global", "--total").err == "lifted\n"
    assert len(adw("budget", "clear", "--json").json["budgets"]) == 0
    assert adw("budget", "clear").code == ExitCode.NOT_FOUND
    for words in (("set", "much"), ("set", "5", "--global", "--project", "."), ("clear", "--global", "--project", "x")):
        assert adw("budget", *words).code == ExitCode.USAGE


def test_nothing_is_measured_before_work_has_ended(adw: Adw) -> None:
    assert "nothing is measured yet" in adw("kpi").err
    assert adw("kpi", "--kind", "sdlc", "--since", "2026-05-01", "--json").json["total"]["workflows"] == 0
    assert adw("kpi", "--project", "nowhere").code == ExitCode.NOT_FOUND
    assert adw("kpi", "--since", "yesterday").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "empty"),
    [
        (("approval", "list"), "nothing is asked"),
        (("approval", "list", "--all"), "nothing is asked"),
        (("worktree", "list"), "no worktrees"),
        (("worktree", "cleanup", "--dry-run"), "nothing to remove"),
        (("pr", "list"), "no pull requests"),
        (("pr", "list", "--state", "all"), "no pull requests"),
    ],
    ids=" ".join,
)
def test_nothing_is_said_in_a_sentence_and_as_an_empty_document(words: tuple[str, ...], empty: str, adw: Adw) -> None:
    plain, machine = adw(*words), adw(*words, "--json")

    assert (plain.code, plain.out, plain.err) == (ExitCode.OK, "", f"{empty}\n")
    assert [] in machine.json.values()


def test_a_project_is_added_listed_and_shown(adw: Adw, place: Place) -> None:
    added = adw("project", "add", "--json").json["project"]

    assert added["source"] == str(place.repo)
    assert adw("project", "add", ".").out.strip() == added["id"]
    assert added["id"] in adw("project", "list").out
    assert adw("project", "list", "--json").json["projects"][0]["id"] == added["id"]
    assert str(place.repo) in adw("project", "show").out
    assert adw("project", "show", added["id"], "--json").json["id"] == added["id"]


@pytest.mark.parametrize(
    "words",
    [
        ("workflow", "show", "ffffffff"),
        ("workflow", "diff", "ffffffff"),
        ("workflow", "diff", "ffffffff", "--stat", "--json"),
        ("workflow", "transcript", "ffffffff"),
        ("workflow", "artifacts", "ffffffff", "--json"),
        ("logs", "ffffffff", "-f"),
        ("approval", "allow", "ffffffff"),
        ("approval", "deny", "ffffffff", "--reason", "no"),
        ("issue", "show", "99"),
        ("pr", "show", "99"),
        ("pr", "diff", "99"),
        ("pr", "checkout", "99"),
        ("pr", "merge", "99", "--json"),
        ("pr", "close", "99"),
        ("pr", "ready", "99"),
        ("pr", "comment", "99", "--body", "x"),
        ("pr", "review", "99", "--approve"),
        ("project", "show", "nothing"),
    ],
    ids=" ".join,
)
def test_what_does_not_exist_ends_with_3_and_prints_no_data(words: tuple[str, ...], adw: Adw) -> None:
    said = adw(*words)

    assert (said.code, said.out) == (ExitCode.NOT_FOUND, ""), said.err
    assert said.err.startswith("error: ")


def test_a_folder_that_is_no_repository_is_a_usage_error(adw: Adw, tmp_path: Path) -> None:
    said = adw("run", "x", "--repo", str(tmp_path))

    assert said.code == ExitCode.USAGE
    assert "is not a git repository" in said.err


def test_the_database_is_saved_and_not_restored_below_a_server(adw: Adw, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"

    assert adw("db", "backup", str(file), "--json").json["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    assert adw("db", "backup", str(file)).code == ExitCode.CONFLICT
    assert adw("db", "backup", str(file), "--force").code == ExitCode.OK
    refused = adw("db", "restore", str(file), "--yes")
    assert refused.code == ExitCode.CONFLICT
    assert "a server is using the database" in refused.err
    assert adw("db", "status", "--json").json["isCurrent"]
    assert "external" in adw("db", "status").out
    assert adw("db", "migrate").code == ExitCode.OK
    assert adw("db", "url", "--json").json["url"].startswith("postgresql://")


def test_a_doctor_looks_at_the_real_things(adw: Adw) -> None:
    said = adw("doctor", "--json")

    checks = {each["name"]: each for each in said.json["checks"]}
    assert said.code == ExitCode.OK
    assert {"python", "git", "database", "disk", "agent cli", "model credential", "isolation"} < set(checks)
    assert checks["database"]["state"] == "ok"
    assert "ANTHROPIC_API_KEY" in checks["model credential"]["detail"]
    assert adw("doctor").out.count("\n") == len(checks) + 1
