"""Pull requests and reviews of the local forge: rows for what people said, our bare repository for the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adw.domain.effect_key import check_key
from adw.domain.forge import (
    OURSELVES,
    MergeMethod,
    MergeOutcome,
    PullRequest,
    PullRequestFilter,
    Review,
    ReviewComment,
    ReviewState,
)
from adw.domain.forge_text import check_body, check_branch, check_name, check_title
from adw.forge.local.merge import LocalMerge
from adw.forge.local.repository import LocalRepository
from adw.kit.errors import ConflictError, UsageError
from adw.store import local_forge, local_pulls, local_threads
from adw.store.db import Connection
from adw.store.watches import wake_watches


class LocalPullRequests:
    """Implements `adw.ports.forge.PullRequestForge`."""

    def __init__(self, begin: local_forge.Begin, *, project_id: str, repository: LocalRepository) -> None:
        self._begin = begin
        self._project_id = project_id
        self._repository = repository

    async def get_pull_request(self, number: int) -> PullRequest:
        async with self._begin() as connection:
            pull = await local_pulls.get_pull_request(connection, project_id=self._project_id, number=number)
        return await self._with_present_head(pull)

    async def list_pull_requests(self, *, state: PullRequestFilter = "open", limit: int = 50) -> list[PullRequest]:
        async with self._begin() as connection:
            pulls = await local_pulls.list_pull_requests(
                connection, project_id=self._project_id, state=state, limit=limit
            )
        heads = await self._repository.heads()
        return [_at(pull, heads.get(pull.head_branch)) for pull in pulls]

    async def find_pull_request(self, head: str) -> PullRequest | None:
        branch = check_branch(head)
        async with self._begin() as connection:
            pull = await local_pulls.find_pull_request(connection, project_id=self._project_id, head=branch)
        return None if pull is None else await self._with_present_head(pull)

    async def ensure_pull_request(
        self, *, head: str, base: str, title: str, body: str, draft: bool, key: str | None, author: str = OURSELVES
    ) -> PullRequest:
        head, base, author = check_branch(head), check_branch(base), check_name(author)
        title, body = check_title(title), check_body(body)
        key = None if key is None else check_key(key)
        async with self._begin() as connection:
            found = await local_pulls.find_pull_request(connection, project_id=self._project_id, head=head, key=key)
        if found is None:
            head_sha = await self._offered_commit(head, base=base)
            async with self._begin() as connection:
                await local_forge.lock_numbers(connection, project_id=self._project_id)
                found = await local_pulls.find_pull_request(
                    connection, project_id=self._project_id, head=head, key=key
                ) or await local_pulls.create_pull_request(
                    connection,
                    project_id=self._project_id,
                    head=head,
                    head_sha=head_sha,
                    base=base,
                    title=title,
                    body=body,
                    author=author,
                    draft=draft,
                    key=key,
                )
        if found.is_open and found.base != base:
            raise ConflictError(f"branch {head} has pull request #{found.number} already, towards {found.base}")
        pull = await self._with_present_head(found)
        await self._repository.keep(number=pull.number, sha=pull.head_sha)
        return pull

    async def update_pull_request(
        self, number: int, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        new_title = None if title is None else check_title(title)
        new_body = None if body is None else check_body(body)
        async with self._begin() as connection:
            pull = await local_pulls.edit_pull_request(
                connection, project_id=self._project_id, number=number, title=new_title, body=new_body
            )
        return await self._with_present_head(pull)

    async def mark_ready(self, number: int) -> PullRequest:
        async with self._begin() as connection:
            pull = await local_pulls.mark_ready(connection, project_id=self._project_id, number=number)
        return await self._with_present_head(pull)

    async def mark_draft(self, number: int) -> PullRequest:
        async with self._begin() as connection:
            pull = await local_pulls.mark_draft(connection, project_id=self._project_id, number=number)
        return await self._with_present_head(pull)

    async def close_pull_request(self, number: int) -> PullRequest:
        pull = await self.get_pull_request(number)
        await self._repository.keep(number=number, sha=pull.head_sha)
        async with self._begin() as connection:
            return await local_pulls.close_pull_request(
                connection, project_id=self._project_id, number=number, head_sha=pull.head_sha
            )

    async def add_review(
        self,
        number: int,
        *,
        state: ReviewState,
        body: str,
        key: str | None,
        author: str = OURSELVES,
        comments: Sequence[ReviewComment] = (),
    ) -> Review:
        text = check_body(body, required=state != "approved" and not comments)
        remarks = [_checked_remark(remark) for remark in comments]
        pull = await self.get_pull_request(number)
        async with self._begin() as connection:
            review, is_new = await local_pulls.add_review(
                connection,
                project_id=self._project_id,
                number=number,
                state=state,
                body=text,
                author=check_name(author),
                head_sha=pull.head_sha,
                comments=remarks,
                key=None if key is None else check_key(key),
            )
            if is_new:
                await self._tell(connection, review)
            return review

    async def list_reviews(self, number: int) -> list[Review]:
        async with self._begin() as connection:
            return await local_pulls.list_reviews(connection, project_id=self._project_id, number=number)

    async def diff(self, number: int) -> str:
        pull = await self.get_pull_request(number)
        return await self._repository.diff(base=pull.base, sha=pull.head_sha)

    async def merge_pull_request(
        self, number: int, *, expected_head_sha: str, message: str, method: MergeMethod = "squash"
    ) -> MergeOutcome:
        if method != "squash":
            raise UsageError(f"the local forge cannot merge by {method!r}", hint="use squash")
        merge = LocalMerge(self._begin, project_id=self._project_id, repository=self._repository)
        text = check_body(message, what="commit message", required=True)
        return await merge.run(number, expected_head_sha=expected_head_sha, message=text)

    async def find_merge_on_base(self, *, sha: str, base: str) -> bool:
        return await self._repository.contains(branch=base, sha=sha)

    async def _tell(self, connection: Connection, review: Review) -> None:
        """Lets its remarks begin threads, and whoever looks after the pull request hear of it."""
        await local_threads.open_threads(
            connection,
            project_id=self._project_id,
            number=review.number,
            review_id=int(review.id),
            author=review.author,
            remarks=review.comments,
        )
        if review.author != OURSELVES:
            await wake_watches(connection, project_id=self._project_id, pr_number=review.number)

    async def _with_present_head(self, pull: PullRequest) -> PullRequest:
        return _at(pull, await self._repository.head_of(pull.head_branch)) if pull.is_open else pull

    async def _offered_commit(self, head: str, *, base: str) -> str:
        sha = await self._repository.head_of(head)
        if sha is None:
            raise ConflictError(f"there is no branch {head} to open a pull request for", hint="push it first")
        if await self._repository.head_of(base) is None:
            raise ConflictError(f"there is no branch {base} to merge into")
        if await self._repository.contains(branch=base, sha=sha):
            raise ConflictError(f"branch {head} has no commit that {base} lacks", hint="push a commit first")
        return sha


def _at(pull: PullRequest, sha: str | None) -> PullRequest:
    return replace(pull, head_sha=sha) if pull.is_open and sha is not None else pull


def _checked_remark(remark: ReviewComment) -> ReviewComment:
    if remark.line is not None and remark.line < 1:
        raise UsageError(f"line {remark.line} of {remark.path} does not exist", hint="lines count from 1")
    return replace(
        remark,
        path=check_title(remark.path),
        body=check_body(remark.body, what="review comment", required=True),
    )
