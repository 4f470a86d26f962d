"""Pull requests and their merge."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.merges import Wish
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.records import Issue, Pull
from adw.forge.github_stand_in.repositories.history import changes, compare, read_commits, unified_diff
from adw.forge.github_stand_in.routes.issues import reopen
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.commits import change_json, commit_json
from adw.forge.github_stand_in.shapes.pulls import pull_json, pull_simple
from adw.forge.github_stand_in.world import pull_of

_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
_MOST_COMMITS = 250


class NewPull(BaseModel):
    """A pull request to open."""

    title: str | None = None
    issue: int | None = None
    head: str
    base: str
    body: str | None = None
    draft: bool = False


class PullEdit(BaseModel):
    """Changes of a pull request."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    base: str | None = None


class MergeWish(BaseModel):
    """How to merge."""

    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = Field(default=None, min_length=1)
    merge_method: Literal["merge", "squash", "rebase"] = "merge"


class Expected(BaseModel):
    """The head that the asker looked at."""

    expected_head_sha: str | None = None


class Reviewers(BaseModel):
    """Who shall look at it."""

    reviewers: list[str] = []
    team_reviewers: list[str] = []


@route("GET", _PULLS)
async def list_pulls(call: Call) -> Reply:
    found = [
        (issue, issue.pull)
        for issue in call.repo.issues.values()
        if issue.pull is not None and _is_asked_for(call, issue, issue.pull)
    ]
    sort = call.query.get("sort", "created")
    key = "updated_at" if sort in {"updated", "long-running"} else "created_at"
    found.sort(key=lambda pair: (getattr(pair[0], key), pair[0].number))
    if call.query.get("direction", "desc" if sort == "created" else "asc") != "asc":
        found.reverse()
    return call.page(found, shape=lambda pair: pull_simple(call.shapes, call.repo, *pair))


@route("POST", _PULLS)
async def create_pull(call: Call) -> Reply:
    new = call.read(NewPull)
    issue = await call.effects.pulls.create(
        call.repo,
        title=new.title or "",
        body=new.body,
        head=new.head,
        base=new.base,
        draft=new.draft,
        author=call.login,
    )
    shown = await _shown(call, issue)
    return Reply(status=201, json=shown, headers={"location": shown["url"]})


@route("GET", _PULL)
async def get_pull(call: Call) -> Reply:
    issue, pull = _pull(call)
    accept = call.request.headers.get("accept", "")
    if "diff" in accept or "patch" in accept:
        git = call.effects.core.git(call.repo)
        text = await unified_diff(git, base=await _base_of(call, pull), head=pull.head_sha)
        headers = {"content-type": "application/vnd.github.v3.diff; charset=utf-8"}
        return Reply(raw=text.encode(errors="surrogateescape"), headers=headers)
    return Reply(json=await _shown(call, issue))


@route("PATCH", _PULL)
async def edit_pull(call: Call) -> Reply:
    issue, pull = _pull(call)
    edit = call.read(PullEdit)
    body = (edit.body or "") if "body" in edit.model_fields_set else None
    if edit.base is not None:
        await call.effects.pulls.retarget(call.repo, issue, pull, edit.base, sender=call.login)
    call.effects.issues.edit(call.repo, issue, title=edit.title, body=body, sender=call.login)
    if edit.state == "closed":
        call.effects.issues.close(call.repo, issue, sender=call.login)
    if edit.state == "open":
        reopen(call, issue)
    return Reply(json=await _shown(call, issue))


@route("GET", f"{_PULL}/files")
async def list_files(call: Call) -> Reply:
    _, pull = _pull(call)
    found = await changes(call.effects.core.git(call.repo), base=await _base_of(call, pull), head=pull.head_sha)
    return call.page(found, shape=lambda change: change_json(call.shapes, call.repo, change, sha=pull.head_sha))


@route("GET", f"{_PULL}/commits")
async def list_commits_of_pull(call: Call) -> Reply:
    """Oldest first."""
    _, pull = _pull(call)
    git = call.effects.core.git(call.repo)
    between = await compare(git, base=await _base_of(call, pull), head=pull.head_sha)
    commits = await read_commits(git, *between.ahead[:_MOST_COMMITS])
    return call.page(commits, shape=lambda commit: commit_json(call.shapes, call.repo, commit))


@route("GET", f"{_PULL}/merge")
async def is_merged(call: Call) -> Reply:
    _, pull = _pull(call)
    if pull.merged_at is None:
        raise not_found()
    return Reply(status=204)


@route("PUT", f"{_PULL}/merge")
async def merge_pull(call: Call) -> Reply:
    issue, pull = _pull(call)
    asked = call.read(MergeWish)
    wish = Wish(method=asked.merge_method, sha=asked.sha, title=asked.commit_title, message=asked.commit_message)
    sha = await call.effects.merges.merge(call.repo, issue, pull, wish, sender=call.login)
    return Reply(json={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@route("PUT", f"{_PULL}/update-branch")
async def update_branch(call: Call) -> Reply:
    issue, pull = _pull(call)
    expected = call.read(Expected).expected_head_sha
    await call.effects.merges.update_branch(call.repo, issue, pull, expected=expected, sender=call.login)
    url = f"{call.shapes.repo_url(call.repo)}/pulls/{issue.number}"
    return Reply(status=202, json={"message": "Updating pull request branch.", "url": url})


@route("GET", f"{_PULL}/requested_reviewers")
async def list_requested_reviewers(call: Call) -> Reply:
    _, pull = _pull(call)
    return Reply(json={"users": [call.shapes.someone(login) for login in pull.requested_reviewers], "teams": []})


@route("POST", f"{_PULL}/requested_reviewers")
async def request_reviewers(call: Call) -> Reply:
    issue, pull = _pull(call)
    for login in call.read(Reviewers).reviewers:
        user = call.world.users.get(login.lower())
        if user is None:
            raise unprocessable("Reviews may only be requested from collaborators.")
        if user.login.lower() == issue.author.lower():
            raise unprocessable("Review cannot be requested from pull request author.")
        if user.login not in pull.requested_reviewers:
            pull.requested_reviewers.append(user.login)
            shown = call.shapes.user(user)
            call.effects.core.tell_issue(
                call.repo, issue, "review_requested", sender=call.login, requested_reviewer=shown
            )
    return Reply(status=201, json=pull_simple(call.shapes, call.repo, issue, pull))


@route("DELETE", f"{_PULL}/requested_reviewers")
async def unrequest_reviewers(call: Call) -> Reply:
    issue, pull = _pull(call)
    gone = {login.lower() for login in call.read(Reviewers).reviewers}
    pull.requested_reviewers = [login for login in pull.requested_reviewers if login.lower() not in gone]
    return Reply(json=pull_simple(call.shapes, call.repo, issue, pull))


def _pull(call: Call) -> tuple[Issue, Pull]:
    return pull_of(call.repo, call.number("pull_number"))


async def _shown(call: Call, issue: Issue) -> dict[str, Any]:
    pull = issue.pull
    if pull is None:
        raise RefusedError(404, "Not Found")
    facts = await call.effects.pulls.facts(call.repo, issue, pull)
    return pull_json(call.shapes, call.repo, issue, pull, facts)


async def _base_of(call: Call, pull: Pull) -> str:
    """Where the head left its base."""
    git = call.effects.core.git(call.repo)
    base = pull.base_sha if pull.merged_at else call.repo.head(pull.base_ref) or pull.base_sha
    return (await compare(git, base=base, head=pull.head_sha)).merge_base or base


def _is_asked_for(call: Call, issue: Issue, pull: Pull) -> bool:
    head, base = call.query.get("head", ""), call.query.get("base", "")
    state = call.query.get("state", "open")
    owner, _, branch = head.partition(":")
    heads = (not head) or (owner.lower() == call.repo.owner.lower() and branch == pull.head_ref)
    return state in {"all", issue.state} and heads and base in {"", pull.base_ref}
