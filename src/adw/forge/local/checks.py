"""The local forge runs nothing on commits and demands nothing of a branch: what has to hold, our own gates say."""

from __future__ import annotations

from adw.domain.forge_checks import BranchRules, Check
from adw.forge.local.repository import LocalRepository
from adw.store import local_forge, local_pulls


class LocalChecks:
    """Implements `adw.ports.forge.CheckForge`."""

    def __init__(self, begin: local_forge.Begin, *, project_id: str, repository: LocalRepository) -> None:
        self._begin = begin
        self._project_id = project_id
        self._repository = repository

    async def list_checks(self, sha: str) -> list[Check]:  # noqa: ARG002 # the port's word
        return []

    async def check_log(self, check: Check, *, most_chars: int = 60_000) -> str:
        return check.summary[-most_chars:]

    async def rerun_check(self, check: Check) -> bool:  # noqa: ARG002 # the port's word
        return False

    async def branch_rules(self, branch: str) -> BranchRules:  # noqa: ARG002 # the port's word
        return BranchRules()

    async def branch_head(self, branch: str) -> str | None:
        """A branch that pull requests are offered to follows the person's own, as far as ours has nothing it lacks."""
        async with self._begin() as connection:
            is_base = await local_pulls.is_offered_to(connection, project_id=self._project_id, branch=branch)
        if is_base:
            await self._repository.refresh(branch)
        return await self._repository.head_of(branch)
