"""Merging a local pull request so that a crash at any instant is repaired by trying again.

The squashed commit is made and its name stored before the base branch moves. A repeat that finds this very commit on
the base knows that the merge happened, whatever was or was not written down afterwards.
"""

from __future__ import annotations

from adw.domain.forge import HeadMoved, Merged, MergeOutcome, NotMergeable, PullRequest
from adw.forge.local.repository import LocalRepository, MergeCandidate
from adw.kit.errors import ForgeError
from adw.store import local_forge, local_pulls

_MAX_ATTEMPTS = 5


class LocalMerge:
    """One merge of one project's pull request."""

    def __init__(self, begin: local_forge.Begin, *, project_id: str, repository: LocalRepository) -> None:
        self._begin = begin
        self._project_id = project_id
        self._repository = repository

    async def run(self, number: int, *, expected_head_sha: str, message: str) -> MergeOutcome:
        """Tries again while others move the base branch in between."""
        async with self._repository.one_merge_at_a_time():
            for _ in range(_MAX_ATTEMPTS):
                outcome = await self._try(number, expected_head_sha=expected_head_sha, message=message)
                if outcome is not None:
                    break
            else:
                return NotMergeable(reason="the base branch kept moving; try again")
        return await self._delivered(number, outcome) if isinstance(outcome, Merged) else outcome

    async def _try(self, number: int, *, expected_head_sha: str, message: str) -> MergeOutcome | None:
        """None when something moved in between."""
        prepared = await self._prepare(number, expected_head_sha=expected_head_sha, message=message)
        if not isinstance(prepared, MergeCandidate):
            return prepared
        done = await self._carry_out(number, prepared, head_sha=expected_head_sha)
        return Merged(sha=prepared.sha) if done else None

    async def _prepare(self, number: int, *, expected_head_sha: str, message: str) -> MergeCandidate | MergeOutcome:
        async with self._begin() as connection:
            pull, candidate_sha = await local_pulls.lock_pull_request(
                connection, project_id=self._project_id, number=number
            )
            if pull.merge_sha is not None:
                return Merged(sha=pull.merge_sha)
            done_sha = await self._merge_on_base(pull, candidate_sha, expected_head_sha)
            if done_sha is not None:
                await local_pulls.record_merge(
                    connection,
                    project_id=self._project_id,
                    number=number,
                    merge_sha=done_sha,
                    head_sha=expected_head_sha,
                )
                return Merged(sha=done_sha)
            if (refusal := await self._refusal(pull, expected_head_sha)) is not None:
                return refusal
            candidate = await self._candidate(pull, expected_head_sha, message)
            if isinstance(candidate, MergeCandidate):
                await local_pulls.record_merge_candidate(
                    connection, project_id=self._project_id, number=number, sha=candidate.sha
                )
            return candidate

    async def _merge_on_base(self, pull: PullRequest, candidate_sha: str | None, head_sha: str) -> str | None:
        """The commit by which the base has the pull request already: ours of an earlier try, or a person's merge."""
        if candidate_sha is not None and await self._repository.contains(branch=pull.base, sha=candidate_sha):
            return candidate_sha
        present_sha = await self._repository.head_of(pull.head_branch) or pull.head_sha
        if pull.is_open and head_sha == present_sha:
            await self._repository.refresh(pull.base)
            if await self._repository.contains(branch=pull.base, sha=head_sha):
                return head_sha
        return None

    async def _refusal(self, pull: PullRequest, expected_head_sha: str) -> MergeOutcome | None:
        if pull.state != "ready":
            return NotMergeable(reason=f"pull request #{pull.number} is {pull.state}")
        actual_sha = await self._repository.head_of(pull.head_branch)
        if actual_sha != expected_head_sha:
            return HeadMoved(expected_sha=expected_head_sha, actual_sha=actual_sha)
        return None

    async def _candidate(self, pull: PullRequest, head_sha: str, message: str) -> MergeCandidate | MergeOutcome:
        await self._repository.keep(number=pull.number, sha=head_sha)
        candidate = await self._repository.prepare(base=pull.base, head_sha=head_sha, message=message)
        if isinstance(candidate, MergeCandidate) and candidate.is_empty:
            return NotMergeable(reason=f"branch {pull.head_branch} changes nothing that {pull.base} lacks")
        return candidate

    async def _carry_out(self, number: int, candidate: MergeCandidate, *, head_sha: str) -> bool:
        """False when the base, or the pull request, changed since the candidate was made."""
        async with self._begin() as connection:
            pull, candidate_sha = await local_pulls.lock_pull_request(
                connection, project_id=self._project_id, number=number
            )
            if pull.state != "ready" or candidate_sha != candidate.sha:
                return False
            if not await self._repository.advance(base=pull.base, candidate=candidate):
                return False
            if not await self._repository.contains(branch=pull.base, sha=candidate.sha):
                raise ForgeError(f"the merge of #{number} is not on {pull.base} although it was put there")
            await local_pulls.record_merge(
                connection,
                project_id=self._project_id,
                number=number,
                merge_sha=candidate.sha,
                head_sha=head_sha,
            )
            return True

    async def _delivered(self, number: int, merged: Merged) -> Merged:
        async with self._begin() as connection:
            pull = await local_pulls.get_pull_request(connection, project_id=self._project_id, number=number)
        return Merged(sha=merged.sha, note=await self._repository.deliver(pull.base))
