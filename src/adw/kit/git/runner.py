"""Runs git on a repository that is always named, never found, with our configuration only.

Nothing a repository or a working tree contains can make these commands run a program: hooks, fsmonitor, filters,
diff drivers, credential helpers and transports all come from configuration, and that is ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adw.kit.errors import GitError
from adw.kit.process import Completed, run_program

DEFAULT_TIMEOUT_S = 300.0

_GLOBAL_CONFIG = Path(__file__).with_name("gitconfig")
_STDERR_TAIL = 2_000

# A repository's own configuration is stronger than the global file, and the command line is stronger than both.
HARDENING = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "credential.helper=",
    "protocol.ext.allow=never",
    "diff.ignoreSubmodules=all",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "checkout.workers=0",
)
_FLAGS = tuple(part for setting in HARDENING for part in ("-c", setting))

# What a person's ssh and a proxy need for remotes that are not on this machine.
_PASSED_ON = (
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
)


class GitCommandError(GitError):
    """A git command failed"""

    def __init__(self, *, command: Sequence[str], code: int, stderr: bytes) -> None:
        self.command = tuple(command)
        self.git_code = code
        self.stderr = stderr[-_STDERR_TAIL:].decode(errors="replace").strip()
        said = self.stderr.splitlines()[-1] if self.stderr else "it said nothing"
        super().__init__(f"git {' '.join(command[:2])} failed with code {code}: {said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who commits."""

    name: str = "ADW Orchestrator"
    email: str = "adw-orchestrator@users.noreply.github.com"

    def environment(self) -> dict[str, str]:
        return {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", self.name), ("EMAIL", self.email))
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """One repository, and perhaps a working tree and an index to use with it."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str])

    def using(
        self, *, work_tree: Path | None = None, index: Path | None = None, extra: Mapping[str, str] | None = None
    ) -> Git:
        """The same repository with another working tree, index or further environment."""
        return replace(
            self,
            work_tree=work_tree or self.work_tree,
            index=index or self.index,
            extra={**self.extra, **(extra or {})},
        )

    async def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        accept: Sequence[int] = (0,),
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Completed:
        """Runs one command. Raises GitCommandError unless the exit code is in `accept`."""
        argv = ["git", *_FLAGS, f"--git-dir={self.git_dir}"]
        if self.work_tree is not None:
            argv.append(f"--work-tree={self.work_tree}")
        cwd = self.work_tree or self.git_dir
        done = await run_program([*argv, *args], cwd=cwd, env=self._environment(), input=stdin, timeout_s=timeout_s)
        if done.code not in accept:
            raise GitCommandError(command=args, code=done.code, stderr=done.stderr)
        return done

    async def text(self, *args: str, stdin: bytes | None = None) -> str:
        """Standard output without the final newline; bytes that are not UTF-8 become surrogate escapes."""
        return os.fsdecode((await self.run(*args, stdin=stdin)).stdout).rstrip("\n")

    async def says(self, *args: str) -> bool:
        """For commands that answer yes with 0 and no with 1."""
        return (await self.run(*args, accept=(0, 1))).code == 0

    async def resolve(self, revision: str) -> str | None:
        """The commit a revision means, or None."""
        done = await self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", accept=(0, 1, 128)
        )
        return done.out.strip() or None if done.code == 0 else None

    async def has(self, sha: str) -> bool:
        """Whether the commit is here."""
        return (await self.run("cat-file", "-e", f"{sha}^{{commit}}", accept=(0, 1, 128))).code == 0

    async def is_ancestor(self, *, ancestor: str, of: str) -> bool:
        return await self.says("merge-base", "--is-ancestor", ancestor, of)

    def _environment(self) -> dict[str, str]:
        own = {
            "GIT_CONFIG_GLOBAL": str(_GLOBAL_CONFIG),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            "GIT_ASKPASS": "true",
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            **Identity().environment(),
        }
        if self.index is not None:
            own["GIT_INDEX_FILE"] = str(self.index)
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | own | dict(self.extra)
