"""Setting the scene: accounts, tokens, apps, repositories, protection and webhooks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from adw.forge.github_stand_in.effects.pings import ping
from adw.forge.github_stand_in.face.core import Face
from adw.forge.github_stand_in.records import (
    PERMISSIONS,
    Application,
    Credential,
    Hook,
    Installation,
    Protection,
    Repository,
    UserType,
)
from adw.forge.github_stand_in.repositories.contents import copy_branches, create_repository, read_refs, write_commit
from adw.kit.errors import UsageError

_FIRST_MESSAGE = "Begin"


class Scene(Face):
    """What an administrator would set up."""

    def add_user(
        self,
        login: str,
        *,
        token: str | None = None,
        type: UserType = "User",  # noqa: A002 - GitHub's word
        name: str | None = None,
    ) -> str:
        """An account and a token of it, made up when none is given; a bot's login ends in `[bot]`."""
        user = self.world.ensure_user(login, type=type)
        user.name = name or user.name
        return self.add_token(login, token=token)

    def add_token(
        self,
        login: str,
        *,
        token: str | None = None,
        ceiling: str = "admin",
        repositories: Sequence[str] | None = None,
        classic: bool = True,
    ) -> str:
        """A further token, that may do no more than `ceiling` and only with `repositories` unless None."""
        _check_permission(ceiling)
        made = token or f"{'ghp' if classic else 'github_pat'}_{secrets.token_hex(18)}"
        self.world.tokens[made] = Credential(
            login=self.world.user(login).login,
            ceiling=ceiling,
            repositories=None if repositories is None else list(repositories),
            classic=classic,
        )
        return made

    def remove_user(self, login: str) -> None:
        """What it wrote stays, as the ghost's."""
        del self.world.users[login.lower()]
        self.world.tokens = {
            token: held for token, held in self.world.tokens.items() if held.login.lower() != login.lower()
        }

    def revoke(self, token: str) -> None:
        self.world.tokens.pop(token, None)

    def add_app(
        self, slug: str, *, owner: str, public_key: str | None = None, permissions: Mapping[str, str] | None = None
    ) -> Application:
        """An app that signs in with tokens signed by the private half of `public_key` (PEM)."""
        self.world.ensure_user(owner)
        self.world.ensure_user(f"{slug}[bot]", type="Bot")
        default = {"checks": "write", "contents": "write", "issues": "write", "metadata": "read"}
        default |= {"pull_requests": "write", "statuses": "write"}
        app = Application(
            id=self.world.new_id(),
            slug=slug,
            owner=owner,
            public_key=public_key,
            permissions=dict(permissions or default),
            events=[],
            created_at=self.world.now(),
        )
        self.world.apps[slug] = app
        return app

    def install(
        self, slug: str, *, owner: str, repositories: Sequence[str] | None = None, permission: str = "write"
    ) -> Installation:
        """Puts an app to work at an owner, for all repositories or those with these full names."""
        _check_permission(permission)
        installation = Installation(
            id=self.world.new_id(),
            app=self.world.app_of(slug).slug,
            owner=owner,
            repositories=None if repositories is None else list(repositories),
            permission=permission,
            created_at=self.world.now(),
        )
        self.world.installations[installation.id] = installation
        return installation

    def add_repository(
        self,
        full_name: str,
        *,
        default_branch: str = "main",
        files: Mapping[str, str | bytes | None] | None = None,
        git_from: Path | None = None,
        private: bool = False,
        drafts: bool = True,
        protected: bool = False,
        delete_branch_on_merge: bool = False,
        methods: Sequence[str] = ("merge", "squash", "rebase"),
    ) -> Repository:
        """A repository with one commit of `files`, or with every branch of another one.

        `protected` asks for pull requests on the default branch and nothing else; see `protect`.
        """
        owner, _, name = full_name.partition("/")
        if not owner or not name or "/" in name:
            raise UsageError(f"{full_name}: a repository is named owner/name")
        now = self.world.now()
        repository = Repository(
            id=self.world.new_id(),
            owner=self.world.ensure_user(owner).login,
            name=name,
            default_branch=default_branch,
            created_at=now,
            pushed_at=now,
            private=private,
            drafts=drafts,
            delete_branch_on_merge=delete_branch_on_merge,
            methods=list(methods),
        )
        self._do(self._fill(repository, files=files, git_from=git_from))
        self.world.repositories[full_name.lower()] = repository
        if protected:
            self.protect(full_name, default_branch, approvals=0)
        return repository

    def grant(self, full_name: str, login: str, permission: str) -> None:
        """Gives an account (made if need be) a permission: none, read, triage, write, maintain or admin."""
        _check_permission(permission)
        self.world.ensure_user(login)
        self._repository(full_name).grants[login.lower()] = permission

    def protect(
        self,
        full_name: str,
        branch: str,
        *,
        checks: Sequence[str] = (),
        strict: bool = False,
        approvals: int | None = None,
        dismiss_stale: bool = False,
        enforce_admins: bool = True,
        threads_resolved: bool = False,
        by_ruleset: bool = False,
    ) -> None:
        """Keeps pushes from a branch and names what a merge into it must wait for; `approvals` None asks for none."""
        self._repository(full_name).protections[branch] = Protection(
            checks=list(checks),
            strict=strict,
            approvals=approvals,
            dismiss_stale=dismiss_stale,
            enforce_admins=enforce_admins,
            threads_resolved=threads_resolved,
            by_ruleset=by_ruleset,
        )

    def add_hook(
        self,
        full_name: str,
        url: str,
        *,
        secret: str | None = None,
        events: Sequence[str] = ("*",),
        content_type: str = "json",
        installation: int | None = None,
        greet: bool = True,
    ) -> int:
        """A webhook and its id; `content_type` is json or form, `greet` sends the ping that GitHub begins with."""
        repository = self._repository(full_name)
        now = self.world.now()
        hook = Hook(
            id=self.world.new_id(),
            url=url,
            secret=secret,
            events=list(events),
            content_type=content_type,
            created_at=now,
            updated_at=now,
            installation=installation,
        )

        async def add() -> int:
            repository.hooks[hook.id] = hook
            if greet:
                ping(self._effects.core, repository, hook, sender=repository.owner)
            return hook.id

        return self._do(add())

    def bare_path(self, full_name: str) -> Path:
        """Where the repository's git data is."""
        return self.world.bare_path(self._repository(full_name))

    async def _fill(
        self, repository: Repository, *, files: Mapping[str, str | bytes | None] | None, git_from: Path | None
    ) -> None:
        branch = repository.default_branch
        git = await create_repository(self.world.bare_path(repository), default_branch=branch)
        if git_from is not None:
            await copy_branches(git, source=git_from)
        else:
            first = files or {"README.md": f"# {repository.name}\n"}
            await write_commit(
                git, branch=branch, files=first, message=_FIRST_MESSAGE, author=repository.owner, parent=None
            )
        repository.refs = await read_refs(git)


def _check_permission(name: str) -> None:
    if name not in PERMISSIONS:
        raise UsageError(f"{name} is no permission", hint=f"one of {', '.join(PERMISSIONS)}")
