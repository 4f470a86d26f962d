"""The face of all shapes, and the small ones: accounts, labels, links and moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from adw.forge.github_stand_in.access import allows, permission_of
from adw.forge.github_stand_in.records import Application, Label, Repository, User
from adw.forge.github_stand_in.world import World

Json = dict[str, Any]


class Shapes:
    """Builds resources of one world; addresses are those of the server it is reached at."""

    def __init__(self, world: World) -> None:
        self.world = world

    def repo_url(self, repository: Repository) -> str:
        return f"{self.world.api_url}/repos/{repository.full_name}"

    def web(self, repository: Repository) -> str:
        return f"{self.world.web_url}/{repository.full_name}"

    def by(self, login: str | None) -> Json | None:
        """The account of a name, None for none."""
        return None if login is None else self.user(self.world.anybody(login))

    def someone(self, login: str) -> Json:
        return self.user(self.world.anybody(login))

    def user(self, user: User) -> Json:
        name = quote(user.login)
        api, web = f"{self.world.api_url}/users/{name}", self.world.web_url
        page = f"{web}/apps/{user.login.removesuffix('[bot]')}" if user.type == "Bot" else f"{web}/{user.login}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": node("U", user.id),
            "avatar_url": f"{web}/avatars/u/{user.id}",
            "gravatar_id": "",
            "url": api,
            "html_url": page,
            "followers_url": f"{api}/followers",
            "following_url": f"{api}/following{{/other_user}}",
            "gists_url": f"{api}/gists{{/gist_id}}",
            "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{api}/subscriptions",
            "organizations_url": f"{api}/orgs",
            "repos_url": f"{api}/repos",
            "events_url": f"{api}/events{{/privacy}}",
            "received_events_url": f"{api}/received_events",
            "type": user.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def label(self, repository: Repository, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": node("LA", label.id),
            "url": f"{self.repo_url(repository)}/labels/{quote(label.name, safe='')}",
            "name": label.name,
            "description": label.description,
            "color": label.color,
            "default": False,
        }

    def labels(self, repository: Repository, names: list[str]) -> list[Json]:
        return [self.label(repository, repository.labels[name.lower()]) for name in names]

    def app(self, app: Application) -> Json:
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": node("A", app.id),
            "client_id": f"Iv1.{app.id:016x}",
            "owner": self.someone(app.owner),
            "name": app.slug,
            "description": "",
            "external_url": f"{self.world.web_url}/apps/{app.slug}",
            "html_url": f"{self.world.web_url}/apps/{app.slug}",
            "created_at": moment(app.created_at),
            "updated_at": moment(app.created_at),
            "permissions": dict(app.permissions),
            "events": list(app.events),
        }

    def association(self, repository: Repository, login: str) -> str:
        """How an author stands to a repository, as shown to everybody."""
        if login.lower() == repository.owner.lower():
            return "OWNER"
        if allows(permission_of(self.world, login, repository), "triage"):
            return "COLLABORATOR"
        merged = any(
            issue.pull is not None and issue.pull.merged_at and issue.author.lower() == login.lower()
            for issue in repository.issues.values()
        )
        return "CONTRIBUTOR" if merged else "NONE"


def moment(when: datetime | None) -> str | None:
    return None if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def node(kind: str, number: int) -> str:
    return f"{kind}_{number:012d}"


def node_number(node_id: str, kind: str) -> int | None:
    """The number inside a node id of this kind, None for anything else."""
    text = node_id.removeprefix(f"{kind}_")
    return int(text) if text != node_id and text.isascii() and text.isdigit() else None


def reactions(url: str) -> Json:
    names = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(names, 0)}
