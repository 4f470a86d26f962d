"""Where issues and pull requests live.

Every effect may be repeated: `key` names the effect, is looked up first, and the thing it made before is returned
unchanged. A key is valid within its project for issues and pull requests, within its number for comments and
reviews. None says that the effect is a person's own and shall not be looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from adw.domain.account import Account, Permission
from adw.domain.forge import (
    OURSELVES,
    Comment,
    ForgeCapabilities,
    Issue,
    IssueState,
    MergeMethod,
    MergeOutcome,
    PullRequest,
    PullRequestFilter,
    Review,
    ReviewComment,
    ReviewState,
)
from adw.domain.forge_checks import BranchRules, Check
from adw.domain.threads import ReviewThread, ThreadComment


class IssueForge(Protocol):
    """Issues and the comments on issues and pull requests, which share one sequence of numbers."""

    async def get_issue(self, number: int) -> Issue: ...

    async def list_issues(self, *, state: IssueState | None = "open", limit: int = 50) -> list[Issue]:
        """Newest first; None lists open and closed ones."""
        ...

    async def create_issue(
        self, *, title: str, body: str, key: str | None, author: str = OURSELVES, labels: Sequence[str] = ()
    ) -> Issue: ...

    async def close_issue(self, number: int) -> Issue:
        """Closes it; a closed one stays as it is."""
        ...

    async def list_comments(self, number: int) -> list[Comment]:
        """Oldest first."""
        ...

    async def create_comment(self, number: int, *, body: str, key: str | None, author: str = OURSELVES) -> Comment: ...

    async def update_comment(self, comment_id: str, *, body: str) -> Comment: ...

    async def upsert_comment(self, number: int, *, body: str, key: str, author: str = OURSELVES) -> Comment:
        """The comment of this key, with this body: written anew, edited in place, or left when it says so already."""
        ...


class PullRequestForge(Protocol):
    """Pull requests, their reviews and their merge."""

    async def get_pull_request(self, number: int) -> PullRequest: ...

    async def list_pull_requests(self, *, state: PullRequestFilter = "open", limit: int = 50) -> list[PullRequest]:
        """Newest first."""
        ...

    async def find_pull_request(self, head: str) -> PullRequest | None:
        """The open pull request of this branch."""
        ...

    async def ensure_pull_request(
        self, *, head: str, base: str, title: str, body: str, draft: bool, key: str | None, author: str = OURSELVES
    ) -> PullRequest:
        """The open pull request of branch `head`, else the one made by `key` in whatever state, else a new one.

        Raises `ConflictError` when `head` is absent, has nothing that `base` lacks, or is open towards another base.
        """
        ...

    async def update_pull_request(
        self, number: int, *, title: str | None = None, body: str | None = None
    ) -> PullRequest: ...

    async def mark_ready(self, number: int) -> PullRequest:
        """Ends the draft; ready and merged ones stay as they are, a closed one raises `ConflictError`."""
        ...

    async def mark_draft(self, number: int) -> PullRequest:
        """Makes a ready one a draft again; drafts and merged ones stay, a closed one raises `ConflictError`.

        So does a ready one where the forge has no way back; see `ForgeCapabilities.can_mark_draft`.
        """
        ...

    async def close_pull_request(self, number: int) -> PullRequest:
        """Closes without merging; a closed one stays as it is, a merged one raises `ConflictError`."""
        ...

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
        """A verdict on the present head commit."""
        ...

    async def list_reviews(self, number: int) -> list[Review]:
        """Oldest first."""
        ...

    async def diff(self, number: int) -> str:
        """What the pull request changes since it left its base, as a unified diff."""
        ...

    async def merge_pull_request(
        self, number: int, *, expected_head_sha: str, message: str, method: MergeMethod = "squash"
    ) -> MergeOutcome:
        """Merges exactly `expected_head_sha`; of a merged one, returns the merge that was."""
        ...

    async def find_merge_on_base(self, *, sha: str, base: str) -> bool:
        """Whether commit `sha` is part of branch `base` on the forge."""
        ...


class CheckForge(Protocol):
    """What runs on commits, by the forge's own machinery."""

    async def list_checks(self, sha: str) -> list[Check]:
        """The latest run of each check of a commit, by name."""
        ...

    async def check_log(self, check: Check, *, most_chars: int = 60_000) -> str:
        """The end of what a check wrote, without secrets the forge masks; empty when there is nothing to read."""
        ...

    async def rerun_check(self, check: Check) -> bool:
        """Runs a finished check again; False where the forge cannot."""
        ...

    async def branch_rules(self, branch: str) -> BranchRules: ...

    async def branch_head(self, branch: str) -> str | None:
        """The commit a branch is at on the forge now, None when there is no such branch."""
        ...


class ThreadForge(Protocol):
    """Conversations about places in a pull request."""

    async def list_threads(self, number: int) -> list[ReviewThread]:
        """Oldest first, resolved ones too."""
        ...

    async def reply_to_thread(
        self, number: int, *, thread_id: str, body: str, key: str | None, author: str = OURSELVES
    ) -> ThreadComment: ...

    async def resolve_thread(self, number: int, *, thread_id: str) -> None:
        """Marks it as settled; a settled one stays so."""
        ...


class AccountForge(Protocol):
    """Who somebody is, and what they may do here."""

    async def ourselves(self) -> Account:
        """The account our own writing appears under."""
        ...

    async def permission_of(self, login: str) -> Permission:
        """What an account may do with the repository; NONE for one that does not exist."""
        ...

    async def add_labels(self, number: int, labels: Sequence[str]) -> None: ...

    async def remove_label(self, number: int, label: str) -> None:
        """A label that is not there is no error."""
        ...


class Forge(IssueForge, PullRequestForge, CheckForge, ThreadForge, AccountForge, Protocol):
    """One project's forge.

    Raises `NotFoundError` for an unknown number, comment or thread, `UsageError` for text the forge cannot take,
    `ConflictError` where the present state forbids the effect, `ForgeError` or `GitError` when the forge fails.
    """

    @property
    def capabilities(self) -> ForgeCapabilities: ...
