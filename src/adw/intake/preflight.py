"""Everything that can speak against beginning work, looked at before anything is written or spent."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adw.domain.config import CONFIG_FILE, CommandEntry
from adw.domain.kinds import MERGING
from adw.domain.testing import decode_run
from adw.domain.verdict import Baseline, why_not_comparable
from adw.intake.candidate import Candidate, Finding, duplicate
from adw.intake.room import check_machine, check_month
from adw.kit.errors import (
    AdwError,
    ConfigurationError,
    CooldownError,
    IssueClosedError,
    OpenPullRequestError,
)
from adw.ports.projects import ProjectAccess
from adw.ports.resources import Resources
from adw.project.base_files import BaseFiles
from adw.store import admission
from adw.store.db import Database
from adw.store.workflows import find_live_on_issue

AUTOMATIC_COOLDOWN_S = 300.0
"""Between two pieces of work on one issue that nobody in person asked for."""
PEOPLE = frozenset({"cli", "api", "chat"})
"""Sources behind which a person stands; they wait only where the project says so."""

_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The checks, in the order in which a person would want to hear of them."""

    database: Database
    access: ProjectAccess
    resources: Resources | None = None

    async def examine(self, candidate: Candidate) -> list[Finding]:
        """Runs every check. Nothing is raised for what a check refuses; that is its finding."""
        checks: tuple[tuple[str, Callable[[Candidate], Awaitable[Finding | str]]], ...] = (
            ("issue", self._issue),
            ("live workflow", self._live),
            ("pull request", self._pull_request),
            ("cooldown", self._cooldown),
            ("commands", self._commands),
            ("prompts", self._prompts),
            ("budget", self._budget),
            ("machine", self._machine),
            ("baseline", self._baseline),
            ("merge", self._merge),
        )
        return [await _found(name, check, candidate) for name, check in checks]

    async def _issue(self, candidate: Candidate) -> str:
        issue = candidate.issue
        if issue is None:
            return "the work is described by a sentence or a branch"
        if issue.state != "open":
            raise IssueClosedError(
                f"issue #{issue.number} is closed", hint="reopen it, or describe the work in a new one"
            )
        return f"issue #{issue.number} is open"

    async def _live(self, candidate: Candidate) -> str:
        if candidate.issue is None:
            return "no issue, so nobody else works on it"
        async with self.database.read() as connection:
            live = await find_live_on_issue(
                connection, project_id=candidate.project.id, issue_number=candidate.issue.number
            )
        if live is not None:
            raise duplicate(candidate.issue.number, live)
        return "no other workflow works on the issue"

    async def _pull_request(self, candidate: Candidate) -> str:
        if candidate.issue is None:
            return "no issue, so no pull request of ours is open on it"
        async with self.database.read() as connection:
            found = await admission.find_open_pull_request(
                connection, project_id=candidate.project.id, issue_number=candidate.issue.number
            )
        if found is not None:
            raise OpenPullRequestError(
                f"pull request #{found.pr_number} of workflow {found.adw_id} on issue #{candidate.issue.number} "
                f"is still {found.pr_state}",
                hint=f"merge it with `adw pr merge {found.pr_number}` or close it with `adw pr close "
                f"{found.pr_number}`, then start anew",
            )
        return "no pull request of ours is open on the issue"

    async def _cooldown(self, candidate: Candidate) -> str:
        wanted = candidate.config.triggers.cooldown_s
        if wanted is None:
            wanted = 0.0 if candidate.request.source in PEOPLE else AUTOMATIC_COOLDOWN_S
        if not wanted or candidate.issue is None:
            return "no cooldown applies"
        async with self.database.read() as connection:
            passed = await admission.seconds_since_last_work(
                connection, project_id=candidate.project.id, issue_number=candidate.issue.number
            )
        if passed is not None and passed < wanted:
            raise CooldownError(
                f"issue #{candidate.issue.number} was worked on {passed:.0f} s ago; the cooldown is {wanted:.0f} s",
                hint=f"try again in {wanted - passed:.0f} s, or change [triggers] cooldown_s in {CONFIG_FILE}",
            )
        return f"the cooldown of {wanted:.0f} s is over"

    async def _commands(self, candidate: Candidate) -> str:
        """Commands that are named must be readable as shell words, and their folders must exist at the base."""
        entries = _entries(candidate)
        for key, entry in entries.items():
            _check_line(key, entry.run)
            if entry.cwd == ".":
                continue
            there = await self.access.list_committed(
                candidate.project, sha=candidate.found.base.sha, path=f"{entry.cwd.rstrip('/')}/"
            )
            if not there:
                raise ConfigurationError(
                    f'{key}: the base commit has no folder "{entry.cwd}"', hint=f"correct `cwd` in {CONFIG_FILE}"
                )
        return f"{len(entries)} configured, the rest is detected" if entries else "all are detected from the files"

    async def _prompts(self, candidate: Candidate) -> str:
        files = BaseFiles(access=self.access, project=candidate.project, sha=candidate.found.base.sha)
        await files.check(candidate.config, candidate.phases)
        replaced = sorted(await files.guidance())
        return f"the repository's own for {', '.join(replaced)}" if replaced else "the built-in ones"

    async def _budget(self, candidate: Candidate) -> Finding | str:
        """Nothing may be spent beyond the month's limit; a larger budget is told to be cut."""
        wanted = candidate.budget_usd
        if wanted is not None and wanted <= 0:
            raise ConfigurationError(
                f"[budget] workflow_usd in {CONFIG_FILE} is {wanted}: nothing could be spent",
                hint="name an amount above 0 there, or give one with `--budget`",
            )
        month = await check_month(self.database, candidate.project, candidate.config)
        if month is None:
            return "no limit" if wanted is None else f"${wanted} for this workflow"
        left = month.left_usd
        if wanted is None or wanted > left:
            said = "no budget was named" if wanted is None else f"a budget of ${wanted} was asked for"
            return Finding(
                check="budget",
                message=f"{said}, and ${left:.2f} of this month's {month.words} are left: that is the budget",
                is_note=True,
            )
        return f"${wanted} for this workflow, of ${left:.2f} left this month"

    async def _machine(self, _: Candidate) -> str:
        return check_machine(self.resources)

    async def _baseline(self, candidate: Candidate) -> Finding | str:
        """A base whose tests are known to say nothing is no obstacle, but somebody should know."""
        async with self.database.read() as connection:
            known = await admission.baseline_results(
                connection, project_id=candidate.project.id, commit=candidate.found.base.sha
            )
        if not known:
            return "not taken yet; it is taken beside the planner"
        problem = _trouble(known[0])
        if not problem:
            return "known"
        return Finding(check="baseline", message=problem, is_note=True)

    async def _merge(self, candidate: Candidate) -> Finding | str:
        if candidate.kind not in MERGING:
            return "ends with a pull request for a person"
        if candidate.config.triggers.zte:
            return "merges by itself when every gate is green"
        message = (
            f"`{candidate.kind}` will end with a ready pull request and not merge it: the project has not allowed that "
            f"with `zte = true` under [triggers] in the {CONFIG_FILE} of its base branch"
        )
        return Finding(check="merge", message=message, is_note=True)


async def _found(name: str, check: Callable[[Candidate], Awaitable[Finding | str]], candidate: Candidate) -> Finding:
    try:
        said = await check(candidate)
    except AdwError as error:
        return Finding(check=name, message=error.message, refusal=error)
    return Finding(check=name, message=said) if isinstance(said, str) else replace(said, check=name)


def _trouble(result: Mapping[str, Any]) -> str:
    """Why a base's tests say nothing; empty when they do, or when there are none."""
    if "problem" in result:
        why = " ".join(str(result["problem"]).split())[-_SHOWN_CHARS:]
        return f"the base could not be tested the last time and will be tried again: {why}"
    if result.get("tests") is None:
        return ""
    problem = why_not_comparable(Baseline(run=decode_run(result["tests"])))
    return f"{problem}: the test gate will not apply" if problem else ""


def _entries(candidate: Candidate) -> dict[str, CommandEntry]:
    """The commands this work may run that the repository words itself, by their key."""
    config = candidate.config
    named = {f"commands.{name}": getattr(config.commands, name) for name in type(config.commands).model_fields}
    phases = {f"phases.{name}": config.phases[name].command for name in candidate.phases if name in config.phases}
    return {key: entry for key, entry in {**named, **phases}.items() if entry is not None and entry.enabled}


def _check_line(key: str, line: str) -> None:
    """Of one line only: in a script quotes may mean something else."""
    if "\n" in line.strip():
        return
    try:
        shlex.split(line, comments=True)
    except ValueError as error:
        raise ConfigurationError(
            f"{key}: `{line}` is no complete shell line: {str(error).lower()}", hint=f"correct it in {CONFIG_FILE}"
        ) from error
