"""Plays the demonstration through the same API that every other command uses."""

from __future__ import annotations

import time

from adw.cli.demo.report import Outcome, read_branches, read_changed_files, read_commits
from adw.cli.demo.stage import Stage, set_stage
from adw.cli.output import print_json, say
from adw.cli.progress import Progress
from adw.cli.running import Order, start
from adw.cli.server.signals import noting_interrupts, terminated_in_order
from adw.cli.watch import watch
from adw.client import AdwClient
from adw.demo import read_sample_issue
from adw.kit.errors import ExitCode
from adw.kit.process.identity import is_alive

KIND = "zte"
_ACTOR = "demo"
_POLL_S = 0.2


def play(*, keep: bool, serve: bool, as_json: bool) -> int:
    """Runs it and returns the exit code: 0 only if everything promised was found. Nothing is left unless kept."""
    say("setting the stage: a sample repository, a scripted model, PostgreSQL, a server and a worker")
    started = time.monotonic()
    with terminated_in_order(), noting_interrupts() as heed, set_stage(keep=keep, heed=heed) as stage:
        outcome = _perform(stage, started=started)
        kept = keep or serve
        problems = outcome.problems()
        if as_json:
            shown = (stage.repo, stage.data_dir) if kept else (None, None)
            print_json(outcome.as_json(repo=shown[0], data_dir=shown[1]))
        else:
            _tell(outcome)
        if keep:
            _tell_where(stage, outcome)
        if serve:
            _serve_on(stage)
    return ExitCode.FAILED if problems else ExitCode.OK


def _perform(stage: Stage, *, started: float) -> Outcome:
    server, issue = stage.server, read_sample_issue()

    def connect() -> AdwClient:
        return AdwClient(server.url, server.token, actor=_ACTOR)

    with Progress(started=started) as progress:
        with connect() as client:
            project = client.add_project(str(stage.repo))["project"]["id"]
            number = client.create_issue(project, title=issue.title, body=issue.body)["number"]
            progress.note(f"issue #{number}: {issue.title}")
            adw_id = start(client, Order(repo=str(stage.repo), kind=KIND, issue_number=number))["adwId"]
        view = watch(connect, adw_id, progress)
    with connect() as client:
        pull = client.pull(project, view["prNumber"]) if view["prNumber"] is not None else None
    return Outcome(
        view=view,
        pull=pull,
        commits=read_commits(stage.repo, since=view["baseSha"], branch=view["baseBranch"]),
        changed_files=read_changed_files(stage.repo, since=view["baseSha"], branch=view["baseBranch"]),
        branches=read_branches(stage.repo),
        duration_ms=int((time.monotonic() - started) * 1000),
    )


def _tell(outcome: Outcome) -> None:
    print()
    for line in outcome.lines():
        print(line)
    problems = outcome.problems()
    for problem in problems:
        print(f"NOT AS PROMISED: {problem}")
    failure = outcome.view["failure"]
    if failure:
        print(f"{failure['message']} [{failure['class']}]")
    if not problems:
        print("verified: everything above was read back from git, the database and the API")


def _tell_where(stage: Stage, outcome: Outcome) -> None:
    look = f"ADW_DATA_DIR={stage.data_dir} adw"
    say(f"kept in {stage.root}; look at it with")
    say(f"  git -C {stage.repo} log --stat")
    say(f"  {look} workflow show {outcome.view['adwId']}")
    if outcome.view["prNumber"] is not None:
        say(f"  {look} pr show {outcome.view['prNumber']} --repo {stage.repo}")


def _serve_on(stage: Stage) -> None:
    say(f"still serving at {stage.server.url}; stop with Ctrl-C. Other commands reach it with")
    variables = " ".join(f"{name}={value}" for name, value in stage.settings.items())
    say(f"  {variables} adw ls")
    while is_alive(stage.server.process):
        time.sleep(_POLL_S)
