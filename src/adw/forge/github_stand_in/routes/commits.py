"""Commits, comparisons and refs."""

from __future__ import annotations

import re
from urllib.parse import quote

from pydantic import BaseModel

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.repositories.history import Change, Commit, changes, compare, log, read_commits
from adw.forge.github_stand_in.repositories.merging import move_branch
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.commits import change_json, commit_json, git_commit_json, ref_json
from adw.forge.github_stand_in.shapes.pulls import pull_simple

_REPO = "/repos/{owner}/{repo}"
_SHA = re.compile(r"[0-9a-f]{4,40}")
_NAME = re.compile(r"[A-Za-z0-9_][\w./+@-]*")
_HEADS = "refs/heads/"


class NewRef(BaseModel):
    """A branch to make."""

    ref: str
    sha: str


class RefEdit(BaseModel):
    """Where a branch shall be."""

    sha: str
    force: bool = False


@route("GET", f"{_REPO}/commits")
async def list_commits(call: Call) -> Reply:
    sha = await find_sha(call, call.query.get("sha") or call.repo.default_branch)
    if sha is None:
        raise not_found()
    commits = await log(call.effects.core.git(call.repo), sha)
    return call.page(commits, shape=lambda commit: commit_json(call.shapes, call.repo, commit))


@route("GET", f"{_REPO}/commits/{{commit_sha}}/pulls")
async def list_pulls_of_commit(call: Call) -> Reply:
    sha = await find_sha(call, call.parts["commit_sha"])
    if sha is None:
        raise not_found()
    pulls = [(issue, issue.pull) for issue in call.repo.issues.values() if issue.pull]
    found = [pair for pair in pulls if sha in {pair[1].head_sha, pair[1].merge_sha}]
    return call.page(found, shape=lambda pair: pull_simple(call.shapes, call.repo, *pair))


@route("GET", f"{_REPO}/commits/{{ref}}")
async def get_commit(call: Call) -> Reply:
    """With what it changes since its first parent; a first commit is shown without."""
    commit = await _commit(call, call.parts["ref"])
    if commit is None:
        raise unprocessable(f"No commit found for SHA: {call.parts['ref']}")
    files: list[Change] = []
    if commit.parents:
        files = await changes(call.effects.core.git(call.repo), base=commit.parents[0], head=commit.sha)
    shown = commit_json(call.shapes, call.repo, commit)
    counts = (sum(file.additions for file in files), sum(file.deletions for file in files))
    shown["stats"] = {"total": sum(counts), "additions": counts[0], "deletions": counts[1]}
    shown["files"] = [change_json(call.shapes, call.repo, change, sha=commit.sha) for change in files]
    return Reply(json=shown)


@route("GET", f"{_REPO}/git/commits/{{commit_sha}}")
async def get_git_commit(call: Call) -> Reply:
    commit = await _commit(call, call.parts["commit_sha"])
    if commit is None:
        raise not_found()
    return Reply(json=git_commit_json(call.shapes, call.repo, commit))


@route("GET", f"{_REPO}/compare/{{basehead}}")
async def compare_commits(call: Call) -> Reply:
    first, dots, second = call.parts["basehead"].partition("...")
    base, head = await _commit(call, first), await _commit(call, second.removeprefix(f"{call.repo.owner}:"))
    if not dots or base is None or head is None:
        raise not_found()
    git = call.effects.core.git(call.repo)
    between = await compare(git, base=base.sha, head=head.sha)
    if between.merge_base is None:
        raise not_found(f"No common ancestor between {first} and {second}.")
    commits = await read_commits(git, *between.ahead)
    files = await changes(git, base=between.merge_base, head=head.sha)
    words = {(False, False): "identical", (True, False): "ahead", (False, True): "behind", (True, True): "diverged"}
    span = f"compare/{quote(first)}...{quote(second)}"
    web = f"{call.shapes.web(call.repo)}/{span}"
    return Reply(
        json={
            "url": f"{call.shapes.repo_url(call.repo)}/{span}",
            "html_url": web,
            "permalink_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "base_commit": commit_json(call.shapes, call.repo, base),
            "merge_base_commit": commit_json(call.shapes, call.repo, (await read_commits(git, between.merge_base))[0]),
            "status": words[bool(between.ahead), bool(between.behind_by)],
            "ahead_by": len(between.ahead),
            "behind_by": between.behind_by,
            "total_commits": len(between.ahead),
            "commits": [commit_json(call.shapes, call.repo, commit) for commit in commits],
            "files": [change_json(call.shapes, call.repo, change, sha=head.sha) for change in files],
        }
    )


@route("GET", f"{_REPO}/git/ref/{{ref}}")
async def get_ref(call: Call) -> Reply:
    return Reply(json=_shown(call, *_ref(call)))


@route("POST", f"{_REPO}/git/refs")
async def create_ref(call: Call) -> Reply:
    new = call.read(NewRef)
    branch = new.ref.removeprefix(_HEADS)
    if branch == new.ref or not is_branch_name(branch):
        raise unprocessable("Reference name is not well formed")
    if await _commit(call, new.sha) is None:
        raise unprocessable("Object does not exist")
    async with call.effects.core.lock(call.repo):
        if not await move_branch(call.effects.core.git(call.repo), branch=branch, new=new.sha, old=None):
            raise unprocessable("Reference already exists")
        await call.effects.refs.look(call.repo, sender=call.login)
    return Reply(status=201, json=_shown(call, new.ref, new.sha))


@route("PATCH", f"{_REPO}/git/refs/{{ref}}")
async def move_ref(call: Call) -> Reply:
    ref, old = _branch(call)
    edit = call.read(RefEdit)
    git = call.effects.core.git(call.repo)
    if await _commit(call, edit.sha) is None:
        raise unprocessable("Object does not exist")
    if not edit.force and not await git.is_ancestor(ancestor=old, of=edit.sha):
        raise unprocessable("Update is not a fast forward")
    async with call.effects.core.lock(call.repo):
        if not await move_branch(git, branch=ref.removeprefix(_HEADS), new=edit.sha, old=old):
            raise RefusedError(409, "Reference was modified meanwhile")
        await call.effects.refs.look(call.repo, sender=call.login)
    return Reply(json=_shown(call, ref, edit.sha))


@route("DELETE", f"{_REPO}/git/refs/{{ref}}")
async def delete_ref(call: Call) -> Reply:
    ref, old = _branch(call)
    if ref == f"{_HEADS}{call.repo.default_branch}":
        raise unprocessable("Cannot delete the default branch")
    async with call.effects.core.lock(call.repo):
        await call.effects.core.git(call.repo).run("update-ref", "-d", ref, old)
        await call.effects.refs.look(call.repo, sender=call.login)
    return Reply(status=204)


async def find_sha(call: Call, name: str) -> str | None:
    """The commit that a branch, a tag or an object id means, None for nothing."""
    for ref in (name, f"{_HEADS}{name}", f"refs/{name}", f"refs/tags/{name}"):
        if ref in call.repo.refs:
            return await call.effects.core.git(call.repo).resolve(call.repo.refs[ref])
    if _SHA.fullmatch(name):
        return await call.effects.core.git(call.repo).resolve(name)
    return None


def is_branch_name(name: str) -> bool:
    """Whether git would take it."""
    odd = (".." in name, "//" in name, "@{" in name, name.endswith((".lock", "/", ".")), "/." in name)
    return bool(_NAME.fullmatch(name)) and name.isascii() and not any(odd)


async def _commit(call: Call, name: str) -> Commit | None:
    sha = await find_sha(call, name)
    return (await read_commits(call.effects.core.git(call.repo), sha))[0] if sha else None


def _ref(call: Call) -> tuple[str, str]:
    ref = f"refs/{call.parts['ref']}"
    if ref not in call.repo.refs:
        raise not_found()
    return ref, call.repo.refs[ref]


def _branch(call: Call) -> tuple[str, str]:
    ref = f"refs/{call.parts['ref']}"
    if ref not in call.repo.refs or not ref.startswith(_HEADS):
        raise unprocessable("Reference does not exist")
    if ref.removeprefix(_HEADS) in call.repo.protections:
        raise unprocessable("Cannot change this protected ref")
    return ref, call.repo.refs[ref]


def _shown(call: Call, ref: str, sha: str) -> dict[str, object]:
    return ref_json(call.shapes, call.repo, ref, sha)
