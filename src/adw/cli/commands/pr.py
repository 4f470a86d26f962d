"""`adw pr`: look at what was done, and accept it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adw.cli.invocation import current_settings
from adw.cli.options import JsonFlag, Number, Repo
from adw.cli.output import ago, first_line, print_fields, print_json, print_table, say
from adw.cli.projects import project_at, repo_flag
from adw.cli.repository import repository
from adw.cli.session import connect
from adw.cli.talk import print_talk
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from adw.client.types import PullDetailDict, ReviewVerdict

app = typer.Typer(help="Look at what was done, and accept it.", rich_markup_mode=None)


@app.command("list")
def list_pulls(
    *,
    state: Annotated[Literal["open", "merged", "closed", "all"], typer.Option("--state", help="Which ones.")] = "open",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 30,
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """List pull requests, newest first."""
    with connect(repo=repo) as client:
        found = client.pulls(project_at(client, repo), state=state, limit=limit)
    if as_json:
        return print_json(found)
    rows = [
        (f"#{each['number']}", each["state"], each["headBranch"], ago(each["updatedAt"]), first_line(each["title"]))
        for each in found["pulls"]
    ]
    return print_table(("PULL", "STATE", "BRANCH", "UPDATED", "TITLE"), rows, empty="no pull requests")


@app.command("show")
def show(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """Show a pull request with its talk."""
    with connect(repo=repo) as client:
        pull = client.pull(project_at(client, repo), number)
    if as_json:
        return print_json(pull)
    return _print_pull(pull, repo)


@app.command("diff")
def diff(number: Number, *, repo: Repo = ".") -> None:
    """Show what a pull request changes."""
    with connect(repo=repo) as client:
        print(client.pull_diff(project_at(client, repo), number), end="")


@app.command("comment")
def comment(
    number: Number,
    *,
    body: Annotated[str, typer.Option("--body", "-b", help="What to say; `-` reads standard input.")],
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """Say something about a pull request."""
    text = sys.stdin.read() if body == "-" else body
    with connect(repo=repo) as client:
        written = client.comment_pull(project_at(client, repo), number, body=text)
    if as_json:
        return print_json(written)
    return say(f"commented on #{number}")


@app.command("review")
def review(
    number: Number,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="It is good.")] = False,
    request_changes: Annotated[bool, typer.Option("--request-changes", help="It is not good yet.")] = False,
    body: Annotated[str, typer.Option("--body", "-b", help="What to say; `-` reads standard input.")] = "",
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """Give a verdict on a pull request.

    Without --approve or --request-changes it is a comment on its present commit.
    """
    state = _verdict(approve=approve, request_changes=request_changes)
    text = sys.stdin.read() if body == "-" else body
    if not text and state != "approved":
        raise UsageError("say what you found", hint='add --body "..."')
    with connect(repo=repo) as client:
        given = client.review_pull(project_at(client, repo), number, state=state, body=text)
    if as_json:
        return print_json(given)
    return say(f"#{number} {given['state'].replace('_', ' ')} at {given['headSha'][:10]}")


@app.command("checkout")
def checkout(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """Check out a pull request's branch here."""
    from adw.cli.checkout import check_out, remote_of

    with connect(repo=repo) as client:
        project = client.project(project_at(client, repo))
        pull = client.pull(project["id"], number)
    folder = repository(repo).here
    check_out(folder, branch=pull["headBranch"], sha=pull["headSha"], remote=remote_of(current_settings(), project))
    if as_json:
        return print_json({"number": number, "branch": pull["headBranch"], "sha": pull["headSha"], "repo": str(folder)})
    return say(f"{folder} is on {pull['headBranch']} at {pull['headSha'][:10]}")


@app.command("merge")
def merge(
    number: Number,
    *,
    message: Annotated[str | None, typer.Option("--message", "-m", help="The merge's commit message.")] = None,
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """Squash a pull request onto its base branch."""
    with connect(repo=repo) as client:
        project = project_at(client, repo)
        seen = client.pull(project, number)
        done = client.merge_pull(project, number, expected_head_sha=seen["headSha"], message=message)
    if as_json:
        return print_json(done)
    say(f"#{number} is merged into {done['pull']['base']} as {done['sha'][:10]}")
    return say(done["note"]) if done["note"] else None


@app.command("ready")
def ready(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """End a pull request's draft, so that it can be reviewed and merged."""
    with connect(repo=repo) as client:
        done = client.ready_pull(project_at(client, repo), number)
    if as_json:
        return print_json(done)
    return say(f"#{number} is {done['pull']['state']}")


@app.command("close")
def close(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """Close a pull request without merging it."""
    with connect(repo=repo) as client:
        done = client.close_pull(project_at(client, repo), number)
    if as_json:
        return print_json(done)
    return say(f"#{number} is {done['pull']['state']}")


def _verdict(*, approve: bool, request_changes: bool) -> ReviewVerdict:
    if approve and request_changes:
        raise UsageError("--approve and --request-changes exclude each other", hint="give one of them")
    if approve:
        return "approved"
    return "changes_requested" if request_changes else "commented"


def _print_pull(pull: PullDetailDict, repo: str) -> None:
    print(f"#{pull['number']} {pull['title']}")
    print_fields(
        {
            "state": pull["state"],
            "branch": f"{pull['headBranch']} at {pull['headSha'][:10]}, into {pull['base']}",
            "workflow": pull["adwId"],
            "author": f"{pull['author']}, {ago(pull['createdAt'])}",
            "merged": None if pull["mergeSha"] is None else f"as {pull['mergeSha'][:10]} {ago(pull['mergedAt'])}",
        }
    )
    if pull["body"]:
        print(f"\n{pull['body']}")
    print_talk(pull["comments"], pull["reviews"])
    if pull["state"] in {"draft", "ready"}:
        say(f"\nsee the change with `adw pr diff {pull['number']}{repo_flag(repo)}`")
