"""Git over HTTP, by git's own back end: tokens as passwords, and branches that refuse pushes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from adw.forge.github_stand_in.access import Actor, allows, permission
from adw.forge.github_stand_in.asgi import Reply, Request
from adw.forge.github_stand_in.effects import Effects
from adw.forge.github_stand_in.records import Repository
from adw.forge.github_stand_in.world import World
from adw.kit.process import run_program

_PATH = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)")
_TIMEOUT_S = 300.0
_HOOK = """\
#!/bin/sh
# Written by the stand-in: keeps pushes from protected branches.
code=0
while read -r old new ref; do
    case " $STAND_IN_PROTECTED " in
    *" $ref "*)
        echo "error: GH006: Protected branch update failed for $ref." >&2
        echo "error: Changes must be made through a pull request." >&2
        code=1
        ;;
    esac
done
exit $code
"""
_SETTINGS = {
    "http.receivepack": "true",
    "receive.hideRefs": "refs/pull",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
}


def is_git(request: Request) -> bool:
    return _PATH.fullmatch(request.path) is not None


class GitHttp:
    """Serves the repositories of a world to git."""

    def __init__(self, world: World, effects: Effects) -> None:
        self._world = world
        self._effects = effects

    async def answer(self, request: Request, actor: Actor) -> Reply:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return _plain(404, "Not Found\n")
        repository = self._world.repositories.get(f"{found['owner']}/{found['name']}".lower())
        writing = "git-receive-pack" in (found["rest"], request.query.get("service"))
        held = permission(self._world, actor, repository) if repository else "none"
        if repository is None or not allows(held, "write" if writing else "read"):
            return self._refused(actor, repository, held)
        if not writing or request.method == "GET":
            return await self._run(request, repository, actor, rest=found["rest"], held=held)
        async with self._effects.core.lock(repository):
            reply = await self._run(request, repository, actor, rest=found["rest"], held=held)
            await self._effects.refs.look(repository, sender=actor.login or "")
        return reply

    @staticmethod
    def _refused(actor: Actor, repository: Repository | None, held: str) -> Reply:
        if actor.login is None:
            reply = _plain(401, "Authentication required\n")
            reply.headers["www-authenticate"] = 'Basic realm="GitHub"'
            return reply
        if repository is None or held == "none":
            return _plain(404, "Repository not found.\n")
        return _plain(403, f"Permission to {repository.full_name}.git denied to {actor.login}.\n")

    async def _run(self, request: Request, repository: Repository, actor: Actor, *, rest: str, held: str) -> Reply:
        environment = self._environment(request, repository, actor, rest=rest, held=held)
        done = await run_program(["git", "http-backend"], env=environment, input=request.body, timeout_s=_TIMEOUT_S)
        return _parsed(done.stdout) if done.stdout else _plain(500, "git said nothing\n")

    def _environment(
        self, request: Request, repository: Repository, actor: Actor, *, rest: str, held: str
    ) -> dict[str, str]:
        path = self._world.bare_path(repository)
        protected = "" if held == "admin" else None
        refs = [
            f"refs/heads/{branch}"
            for branch, protection in repository.protections.items()
            if protected is None or protection.enforce_admins
        ]
        settings = _SETTINGS | {"core.hooksPath": str(_hooks_folder(self._world.folder))}
        numbered = [
            (f"GIT_CONFIG_{kind}_{number}", text)
            for number, pair in enumerate(settings.items())
            for kind, text in zip(("KEY", "VALUE"), pair, strict=True)
        ]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "HOME": str(self._world.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(settings)),
            **dict(numbered),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(path.parent),
            "PATH_INFO": f"/{path.name}/{rest}",
            "QUERY_STRING": request.raw_query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "REMOTE_USER": actor.login or "",
            "REMOTE_ADDR": "127.0.0.1",
            "STAND_IN_PROTECTED": " ".join(refs),
        }


def _hooks_folder(folder: Path) -> Path:
    hooks = folder / ".hooks"
    hook = hooks / "pre-receive"
    if not hook.exists():
        hooks.mkdir(parents=True, exist_ok=True)
        hook.write_text(_HOOK)
        hook.chmod(0o755)
    return hooks


def _parsed(output: bytes) -> Reply:
    """The answer inside a CGI program's output."""
    head, _, body = output.partition(b"\r\n\r\n")
    status, headers = 200, dict[str, str]()
    for line in head.decode("latin-1").split("\r\n"):
        name, _, text = line.partition(":")
        if name.lower() == "status":
            status = int(text.split()[0])
        elif name:
            headers[name.lower()] = text.strip()
    return Reply(status=status, raw=body, headers=headers)


def _plain(status: int, text: str) -> Reply:
    return Reply(status=status, raw=text.encode(), headers={"content-type": "text/plain; charset=utf-8"})
