"""Repositories, branches and what protects them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from adw.forge.github_stand_in.access import permission
from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import not_found
from adw.forge.github_stand_in.records import Protection
from adw.forge.github_stand_in.repositories.history import read_commits
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.commits import commit_json
from adw.forge.github_stand_in.shapes.core import Json
from adw.forge.github_stand_in.shapes.repositories import (
    full_protection,
    full_repository,
    rules_of,
    short_protection,
)

_REPO = "/repos/{owner}/{repo}"
_BRANCH = f"{_REPO}/branches/{{branch}}"
_HEADS = "refs/heads/"


class RequiredCheck(BaseModel):
    """A check by name."""

    context: str


class RequiredChecks(BaseModel):
    """Checks that must have passed."""

    strict: bool = False
    contexts: list[str] = []
    checks: list[RequiredCheck] = []


class RequiredReviews(BaseModel):
    """Reviews that must have been given."""

    dismiss_stale_reviews: bool = False
    required_approving_review_count: int = Field(default=1, ge=0, le=6)


class Demands(BaseModel):
    """All that a branch shall demand."""

    required_status_checks: RequiredChecks | None = None
    enforce_admins: bool | None = None
    required_pull_request_reviews: RequiredReviews | None = None
    required_conversation_resolution: bool = False


@route("GET", _REPO)
async def get_repository(call: Call) -> Reply:
    held = permission(call.world, call.actor, call.repo)
    return Reply(json=full_repository(call.shapes, call.repo, held=held))


@route("GET", f"{_REPO}/branches")
async def list_branches(call: Call) -> Reply:
    heads = {ref.removeprefix(_HEADS): sha for ref, sha in call.repo.refs.items() if ref.startswith(_HEADS)}
    wanted = call.query.get("protected")
    names = [name for name in heads if wanted is None or (name in call.repo.protections) == (wanted == "true")]
    return call.page(names, shape=lambda name: _short(call, name, heads[name]))


@route("GET", f"{_BRANCH}/protection", needs="write")
async def get_protection(call: Call) -> Reply:
    """For administrators; to others the branch looks unprotected."""
    branch = call.parts["branch"]
    protection = call.repo.protections.get(branch)
    _head(call)
    if not call.may("admin"):
        raise not_found()
    if protection is None or protection.by_ruleset:
        raise not_found("Branch not protected")
    return Reply(json=full_protection(call.shapes, call.repo, branch, protection))


@route("PUT", f"{_BRANCH}/protection", needs="admin")
async def set_protection(call: Call) -> Reply:
    demands, branch = call.read(Demands), call.parts["branch"]
    _head(call)
    checks, reviews = demands.required_status_checks, demands.required_pull_request_reviews
    contexts = [*checks.contexts, *(check.context for check in checks.checks)] if checks else []
    protection = Protection(
        checks=list(dict.fromkeys(contexts)),
        strict=bool(checks and checks.strict),
        approvals=reviews.required_approving_review_count if reviews else None,
        dismiss_stale=bool(reviews and reviews.dismiss_stale_reviews),
        enforce_admins=bool(demands.enforce_admins),
        threads_resolved=demands.required_conversation_resolution,
    )
    call.repo.protections[branch] = protection
    return Reply(json=full_protection(call.shapes, call.repo, branch, protection))


@route("DELETE", f"{_BRANCH}/protection", needs="admin")
async def remove_protection(call: Call) -> Reply:
    if call.repo.protections.pop(call.parts["branch"], None) is None:
        raise not_found("Branch not protected")
    return Reply(status=204)


@route("GET", _BRANCH)
async def get_branch(call: Call) -> Reply:
    branch, sha = call.parts["branch"], _head(call)
    commit = (await read_commits(call.effects.core.git(call.repo), sha))[0]
    web = call.shapes.web(call.repo)
    url = f"{call.shapes.repo_url(call.repo)}/branches/{quote(branch)}"
    protection = call.repo.protections.get(branch)
    return Reply(
        json={
            "name": branch,
            "commit": commit_json(call.shapes, call.repo, commit),
            "_links": {"self": url, "html": f"{web}/tree/{quote(branch)}"},
            "protected": protection is not None,
            "protection": short_protection(protection),
            "protection_url": f"{url}/protection",
        }
    )


@route("GET", f"{_REPO}/rules/branches/{{branch}}")
async def list_rules(call: Call) -> Reply:
    return call.page(rules_of(call.repo, call.repo.protections.get(call.parts["branch"])))


def _head(call: Call) -> str:
    sha = call.repo.head(call.parts["branch"])
    if sha is None:
        raise not_found("Branch not found")
    return sha


def _short(call: Call, name: str, sha: str) -> Json:
    url: str = call.shapes.repo_url(call.repo)
    shown: dict[str, Any] = {
        "name": name,
        "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
        "protected": name in call.repo.protections,
    }
    return shown
