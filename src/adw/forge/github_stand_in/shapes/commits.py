"""Commits, what changed in them, and refs."""

from __future__ import annotations

from urllib.parse import quote

from adw.forge.github_stand_in.records import Repository
from adw.forge.github_stand_in.repositories.history import Change, Commit, Person
from adw.forge.github_stand_in.shapes.core import Json, Shapes


def commit_json(shapes: Shapes, repository: Repository, commit: Commit) -> Json:
    """A commit as the list of commits shows it."""
    url = f"{shapes.repo_url(repository)}/commits/{commit.sha}"
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "url": url,
        "html_url": f"{shapes.web(repository)}/commit/{commit.sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{shapes.repo_url(repository)}/git/commits/{commit.sha}",
            "author": _git_person(commit.author),
            "committer": _git_person(commit.committer),
            "message": commit.message,
            "comment_count": 0,
            "tree": _tree(shapes, repository, commit),
            "verification": _unverified(),
        },
        "author": _account(shapes, commit.author),
        "committer": _account(shapes, commit.committer),
        "parents": _parents(shapes, repository, commit, part="commits"),
    }


def git_commit_json(shapes: Shapes, repository: Repository, commit: Commit) -> Json:
    """A commit as the database of git objects shows it."""
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "url": f"{shapes.repo_url(repository)}/git/commits/{commit.sha}",
        "html_url": f"{shapes.web(repository)}/commit/{commit.sha}",
        "author": _git_person(commit.author),
        "committer": _git_person(commit.committer),
        "message": commit.message,
        "tree": _tree(shapes, repository, commit),
        "parents": _parents(shapes, repository, commit, part="git/commits"),
        "verification": _unverified(),
    }


def simple_commit(commit: Commit) -> Json:
    """A commit as check suites and workflow runs mention it."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def change_json(shapes: Shapes, repository: Repository, change: Change, *, sha: str) -> Json:
    web, api = shapes.web(repository), shapes.repo_url(repository)
    shown: Json = {
        "sha": change.blob,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{web}/blob/{sha}/{quote(change.path)}",
        "raw_url": f"{web}/raw/{sha}/{quote(change.path)}",
        "contents_url": f"{api}/contents/{quote(change.path)}?ref={sha}",
    }
    if change.patch is not None:
        shown["patch"] = change.patch
    if change.previous is not None:
        shown["previous_filename"] = change.previous
    return shown


def ref_json(shapes: Shapes, repository: Repository, ref: str, sha: str) -> Json:
    api = shapes.repo_url(repository)
    return {
        "ref": ref,
        "node_id": f"REF_{repository.id}_{ref.replace('/', '_')}",
        "url": f"{api}/git/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{api}/git/commits/{sha}"},
    }


def _git_person(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": person.date}


def _account(shapes: Shapes, person: Person) -> Json | None:
    user = shapes.world.users.get(person.email.split("@")[0].lower())
    return shapes.user(user) if user else None


def _tree(shapes: Shapes, repository: Repository, commit: Commit) -> Json:
    return {"sha": commit.tree, "url": f"{shapes.repo_url(repository)}/git/trees/{commit.tree}"}


def _parents(shapes: Shapes, repository: Repository, commit: Commit, *, part: str) -> list[Json]:
    return [
        {
            "sha": sha,
            "url": f"{shapes.repo_url(repository)}/{part}/{sha}",
            "html_url": f"{shapes.web(repository)}/commit/{sha}",
        }
        for sha in commit.parents
    ]


def _unverified() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
