"""What machines do: report on commits, and deliver webhooks."""

from __future__ import annotations

from typing import Literal

from adw.forge.github_stand_in.effects.checks import Report
from adw.forge.github_stand_in.errors import not_found
from adw.forge.github_stand_in.face.core import Face
from adw.forge.github_stand_in.records import ACTIONS_APP, CheckRun, Delivery, Repository, Status

Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale"]


class Machines(Face):
    """Commits are named by id or by branch."""

    def set_check(
        self,
        full_name: str,
        commit: str,
        name: str,
        conclusion: Conclusion | None = "success",
        *,
        status: Literal["queued", "in_progress", "completed"] | None = None,
        title: str | None = None,
        summary: str | None = None,
        log: str = "",
        app: str = ACTIONS_APP,
    ) -> CheckRun:
        """Ends the check of this name that is still at work, or makes a new run; without a conclusion it works on.

        Runs of the app `github-actions` are jobs as well: they have logs and can be run again.
        """
        repository = self._repository(full_name)
        sha = self._sha(repository, commit)
        report = Report(
            status=status or ("completed" if conclusion else "in_progress"),
            conclusion=conclusion,
            title=title,
            summary=summary,
            log=log,
        )

        async def report_it() -> CheckRun:
            for run in repository.runs.values():
                if (run.name, run.app, run.head_sha) == (name, app, sha) and run.status != "completed":
                    await self._effects.checks.update(repository, run, report)
                    return run
            return await self._effects.checks.create(repository, name=name, sha=sha, app=app, report=report)

        return self._do(report_it())

    def set_status(
        self,
        full_name: str,
        commit: str,
        context: str,
        state: Literal["error", "failure", "pending", "success"],
        *,
        description: str | None = None,
        by: str | None = None,
    ) -> Status:
        """A commit status, the older kind of check."""
        repository = self._repository(full_name)
        work = self._effects.checks.set_status(
            repository,
            sha=self._sha(repository, commit),
            state=state,
            context=context,
            creator=self.world.ensure_user(by).login if by else repository.owner,
            description=description,
        )
        return self._do(work)

    def deliveries(self, full_name: str, *, event: str | None = None) -> list[Delivery]:
        """What was handed to the hooks of a repository or is about to be, oldest first."""
        hooks = self._repository(full_name).hooks.values()
        every = [delivery for hook in hooks for delivery in hook.deliveries if event in {None, delivery.event}]
        return sorted(every, key=lambda delivery: delivery.id)

    def redeliver(self, guid: str) -> Delivery:
        """Hands a delivery over once more, under the same GUID."""

        async def again() -> Delivery:
            return self._effects.core.hooks.redeliver(*self._effects.core.hooks.find(guid))

        return self._do(again())

    @property
    def undelivered(self) -> int:
        """How many webhooks have not been answered yet."""
        return self._effects.core.hooks.waiting

    @staticmethod
    def _sha(repository: Repository, commit: str) -> str:
        sha = repository.head(commit) or commit
        if len(sha) != 40:  # noqa: PLR2004 - a whole object id
            raise not_found(f"no branch or commit {commit}")
        return sha
