"""Repositories, branches and what protects them."""

from __future__ import annotations

from adw.forge.github_stand_in.records import Protection, Repository
from adw.forge.github_stand_in.shapes.core import Json, Shapes, moment, node

_ADDRESSES = {
    "archive": "{/archive_format}{/ref}",
    "assignees": "{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "{/branch}",
    "collaborators": "{/collaborator}",
    "comments": "{/number}",
    "commits": "{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "",
    "deployments": "",
    "downloads": "",
    "events": "",
    "forks": "",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "{/number}",
    "keys": "{/key_id}",
    "labels": "{/name}",
    "languages": "",
    "merges": "",
    "milestones": "{/number}",
    "notifications": "{?since,all,participating}",
    "pulls": "{/number}",
    "releases": "{/id}",
    "stargazers": "",
    "statuses": "/statuses/{sha}",
    "subscribers": "",
    "subscription": "",
    "tags": "",
    "teams": "",
    "trees": "/git/trees{/sha}",
}
_NO_COUNTS = ("forks_count", "stargazers_count", "watchers_count", "forks", "watchers", "size")
_RULESET = 1


def repository_of(shapes: Shapes, repository: Repository) -> Json:
    """A repository as every list and payload shows it."""
    url, web = shapes.repo_url(repository), shapes.web(repository)
    ways = {name: f"{url}{rest}" if rest[:1] == "/" else f"{url}/{name}{rest}" for name, rest in _ADDRESSES.items()}
    count = sum(issue.state == "open" for issue in repository.issues.values())
    return {
        "id": repository.id,
        "node_id": node("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "owner": shapes.someone(repository.owner),
        "private": repository.private,
        "visibility": "private" if repository.private else "public",
        "html_url": web,
        "description": None,
        "fork": False,
        "url": url,
        **{f"{name}_url": address for name, address in ways.items()},
        "git_url": f"{web.replace('http', 'git', 1)}.git",
        "ssh_url": f"git@{web.split('//', 1)[1]}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        **dict.fromkeys(_NO_COUNTS, 0),
        "default_branch": repository.default_branch,
        "open_issues_count": count,
        "open_issues": count,
        "is_template": False,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "pushed_at": moment(repository.pushed_at),
        "created_at": moment(repository.created_at),
        "updated_at": moment(repository.pushed_at),
    }


def full_repository(shapes: Shapes, repository: Repository, *, held: str) -> Json:
    """A repository asked for by name, by somebody who holds the permission `held`."""
    order = ("pull", "triage", "push", "maintain", "admin")
    rank = ("read", "triage", "write", "maintain", "admin").index(held)
    return {
        **repository_of(shapes, repository),
        "permissions": {name: place <= rank for place, name in enumerate(order)},
        "allow_squash_merge": "squash" in repository.methods,
        "allow_merge_commit": "merge" in repository.methods,
        "allow_rebase_merge": "rebase" in repository.methods,
        "allow_auto_merge": repository.allow_auto_merge,
        "delete_branch_on_merge": repository.delete_branch_on_merge,
        "allow_update_branch": True,
        "subscribers_count": 0,
        "network_count": 0,
    }


def short_protection(protection: Protection | None) -> Json:
    """What everybody may see of a branch's protection."""
    checks = protection.checks if protection and not protection.by_ruleset else []
    level = "off" if not checks or protection is None else "everyone" if protection.enforce_admins else "non_admins"
    return {
        "enabled": protection is not None and not protection.by_ruleset,
        "required_status_checks": {
            "enforcement_level": level,
            "contexts": list(checks),
            "checks": [{"context": name, "app_id": None} for name in checks],
        },
    }


def full_protection(shapes: Shapes, repository: Repository, branch: str, protection: Protection) -> Json:
    """What administrators see."""
    url = f"{shapes.repo_url(repository)}/branches/{branch}/protection"
    shown: Json = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": protection.enforce_admins},
        "required_linear_history": {"enabled": False},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
        "block_creations": {"enabled": False},
        "required_conversation_resolution": {"enabled": protection.threads_resolved},
        "lock_branch": {"enabled": False},
        "allow_fork_syncing": {"enabled": False},
    }
    if protection.checks:
        shown["required_status_checks"] = {
            "url": f"{url}/required_status_checks",
            "strict": protection.strict,
            "contexts": list(protection.checks),
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": [{"context": name, "app_id": None} for name in protection.checks],
        }
    if protection.approvals is not None:
        shown["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": protection.dismiss_stale,
            "require_code_owner_reviews": False,
            "require_last_push_approval": False,
            "required_approving_review_count": protection.approvals,
        }
    return shown


def rules_of(repository: Repository, protection: Protection | None) -> list[Json]:
    """What rulesets demand of a branch; classic protection is no part of it."""
    if protection is None or not protection.by_ruleset:
        return []
    source: Json = {
        "ruleset_source_type": "Repository",
        "ruleset_source": repository.full_name,
        "ruleset_id": _RULESET,
    }
    rules: list[Json] = [{"type": "deletion", **source}, {"type": "non_fast_forward", **source}]
    if protection.approvals is not None:
        demands: Json = {
            "required_approving_review_count": protection.approvals,
            "dismiss_stale_reviews_on_push": protection.dismiss_stale,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": protection.threads_resolved,
            "allowed_merge_methods": list(repository.methods),
        }
        rules.append({"type": "pull_request", "parameters": demands, **source})
    if protection.checks:
        checks = [{"context": name} for name in protection.checks]
        demands = {"strict_required_status_checks_policy": protection.strict, "required_status_checks": checks}
        rules.append({"type": "required_status_checks", "parameters": demands, **source})
    return rules
