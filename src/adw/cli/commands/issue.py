"""`adw issue`: work that somebody wants done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adw.cli.options import JsonFlag, Number, Repo
from adw.cli.output import ago, first_line, print_json, print_table, say
from adw.cli.projects import project_at, repo_flag
from adw.cli.session import connect
from adw.cli.talk import print_talk

if TYPE_CHECKING:
    from adw.client.types import IssueDetailDict

app = typer.Typer(help="Write down work, and see what is written.", rich_markup_mode=None)


@app.command("create")
def create(
    title: Annotated[str, typer.Option("--title", "-t", help="What is wanted, in one line.")],
    *,
    body: Annotated[str, typer.Option("--body", "-b", help="The details; `-` reads standard input.")] = "",
    label: Annotated[list[str] | None, typer.Option("--label", help="May be repeated.")] = None,
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """Write an issue; no work starts."""
    text = sys.stdin.read() if body == "-" else body
    with connect(repo=repo) as client:
        issue = client.create_issue(project_at(client, repo), title=title, body=text, labels=label or ())
    if as_json:
        return print_json(issue)
    print(f"#{issue['number']} {issue['title']}")
    return say(f"have it done with `adw run {issue['number']}{repo_flag(repo)}`")


@app.command("list")
def list_issues(
    *,
    state: Annotated[Literal["open", "closed", "all"], typer.Option("--state", help="Which ones.")] = "open",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 30,
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """List issues, newest first."""
    with connect(repo=repo) as client:
        found = client.issues(project_at(client, repo), state=state, limit=limit)
    if as_json:
        return print_json(found)
    rows = [
        (f"#{each['number']}", each["state"], each["author"], ago(each["updatedAt"]), first_line(each["title"]))
        for each in found["issues"]
    ]
    return print_table(("ISSUE", "STATE", "AUTHOR", "UPDATED", "TITLE"), rows, empty="no issues")


@app.command("show")
def show(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """Show an issue with its comments."""
    with connect(repo=repo) as client:
        issue = client.issue(project_at(client, repo), number)
    if as_json:
        return print_json(issue)
    return _print_issue(issue)


@app.command("comment")
def comment(
    number: Number,
    *,
    body: Annotated[str, typer.Option("--body", "-b", help="What to say; `-` reads standard input.")],
    repo: Repo = ".",
    as_json: JsonFlag = False,
) -> None:
    """Say something about an issue."""
    text = sys.stdin.read() if body == "-" else body
    with connect(repo=repo) as client:
        written = client.comment_issue(project_at(client, repo), number, body=text)
    if as_json:
        return print_json(written)
    return say(f"commented on #{number}")


@app.command("close")
def close(number: Number, *, repo: Repo = ".", as_json: JsonFlag = False) -> None:
    """Close an issue."""
    with connect(repo=repo) as client:
        issue = client.close_issue(project_at(client, repo), number)
    if as_json:
        return print_json(issue)
    return say(f"issue #{number} is {issue['state']}")


def _print_issue(issue: IssueDetailDict) -> None:
    print(f"#{issue['number']} {issue['title']}")
    labels = f"  [{', '.join(issue['labels'])}]" if issue["labels"] else ""
    print(f"{issue['state']}, by {issue['author']} {ago(issue['createdAt'])}{labels}")
    if issue["body"]:
        print(f"\n{issue['body']}")
    print_talk(issue["comments"])
