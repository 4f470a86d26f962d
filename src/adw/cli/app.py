"""The tree of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import adw
from adw.cli.commands import (
    agent,
    approval,
    audit,
    budget,
    chat,
    completion,
    config,
    cost,
    db,
    demo,
    doctor,
    github_stand_in,
    issue,
    kpi,
    mcp,
    model_server,
    notify,
    pr,
    project,
    run,
    schedule,
    serve,
    steering,
    token,
    trigger,
    worker,
    workflow,
    workflow_view,
    worktree,
)
from adw.cli.commands import open as open_command
from adw.cli.invocation import remember_env_file

_EXAMPLES = """Hand an issue to coding agents and get back a tested pull request.

\b
Try it, no credentials needed:       adw demo
Work on an issue of this repository:  adw run 12 --wait
Work on a sentence:                   adw run "Fix the date on invoices" --wait
See what is going on:                 adw ls
"""

app = typer.Typer(
    name="adw",
    help=_EXAMPLES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Read settings from this file as well.")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"adw {adw.__version__}")
        raise typer.Exit
    remember_env_file(env_file)
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("ls")(workflow.list_workflows)
app.command("logs")(workflow_view.logs)
app.command("show")(workflow_view.show)
app.command("compare")(steering.compare)
app.add_typer(workflow.app, name="workflow")
app.command("cost")(cost.cost)
app.add_typer(budget.app, name="budget")
app.command("kpi")(kpi.kpi)
app.add_typer(agent.app, name="agent")
app.add_typer(approval.app, name="approval")
app.add_typer(issue.app, name="issue")
app.add_typer(pr.app, name="pr")
app.add_typer(project.app, name="project")
app.add_typer(schedule.app, name="schedule")
app.add_typer(trigger.app, name="trigger")
app.add_typer(worktree.app, name="worktree")
app.add_typer(notify.app, name="notify")
app.command("open")(open_command.open_browser)
app.command("audit")(audit.audit)
app.add_typer(token.app, name="token")
app.command("chat")(chat.chat)
app.command("mcp")(mcp.mcp)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("model-server")(model_server.model_server)
app.command("github-stand-in")(github_stand_in.github_stand_in)
app.command("completion")(completion.completion)
