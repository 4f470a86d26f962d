"""Reviews, and conversations about places in a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.effects.pulls import Pulls
from adw.forge.github_stand_in.errors import RefusedError, invalid, not_found, unprocessable
from adw.forge.github_stand_in.records import Issue, Pull, Repository, Review, ReviewComment
from adw.forge.github_stand_in.repositories.history import Change, changes, compare
from adw.forge.github_stand_in.shapes.core import Json, moment, node
from adw.forge.github_stand_in.shapes.pulls import pull_simple, review_comment_json, review_json

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a remark stands: `line` None speaks of the whole file, LEFT counts lines as they were before."""

    path: str
    body: str
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None


class Reviews:
    """Everything here raises RefusedError where GitHub would refuse."""

    def __init__(self, core: Core, pulls: Pulls) -> None:
        self._core = core
        self._pulls = pulls

    async def create(
        self,
        repository: Repository,
        issue: Issue,
        pull: Pull,
        *,
        event: str | None,
        body: str,
        author: str,
        places: Sequence[Place] = (),
    ) -> Review:
        """A verdict on the present head; without an event it stays pending, for its author alone."""
        if event in {"REQUEST_CHANGES", "COMMENT"} and not body.strip() and not places:
            raise invalid(resource="PullRequestReview", field="body", code="missing_field")
        if event in {"APPROVE", "REQUEST_CHANGES"} and author.lower() == issue.author.lower():
            verb = "approve" if event == "APPROVE" else "request changes on"
            raise RefusedError(422, f"Unprocessable Entity: Review Can not {verb} your own pull request")
        hunks = [await self._hunk(repository, pull, place) for place in places]
        review = Review(
            id=self._core.world.new_id(),
            number=issue.number,
            state=STATES.get(event or "", "PENDING"),
            body=body,
            author=author,
            commit_id=pull.head_sha,
            submitted_at=self._core.world.now() if event else None,
        )
        pull.reviews.append(review)
        comments = [
            self._comment(issue, pull, place, hunk=hunk, author=author, review=review)
            for place, hunk in zip(places, hunks, strict=True)
        ]
        pull.requested_reviewers = [login for login in pull.requested_reviewers if login != author]
        self._core.touch(issue)
        if event:
            self.tell(repository, issue, pull, review, "submitted", sender=author)
            for comment in comments:
                self._tell_comment(repository, issue, pull, comment, "created", sender=author)
        return review

    def submit(
        self, repository: Repository, issue: Issue, pull: Pull, review: Review, *, event: str, body: str
    ) -> None:
        """Makes a pending review count."""
        if review.state != "PENDING":
            raise unprocessable("Can not submit a review that is not pending")
        review.state, review.body = STATES[event], body or review.body
        review.submitted_at = self._core.world.now()
        self._core.touch(issue)
        self.tell(repository, issue, pull, review, "submitted", sender=review.author)

    def dismiss(self, repository: Repository, issue: Issue, pull: Pull, review: Review, *, sender: str) -> None:
        if review.state not in {"APPROVED", "CHANGES_REQUESTED"}:
            raise unprocessable("Can not dismiss a commented pull request review")
        review.state = "DISMISSED"
        self._core.touch(issue)
        self.tell(repository, issue, pull, review, "dismissed", sender=sender)

    async def remark(
        self, repository: Repository, issue: Issue, pull: Pull, place: Place, *, author: str
    ) -> ReviewComment:
        """A thread of its own, as a review that is only this remark."""
        review = await self.create(repository, issue, pull, event="COMMENT", body="", author=author, places=[place])
        return next(comment for comment in pull.comments if comment.review_id == review.id)

    def reply(
        self, repository: Repository, issue: Issue, pull: Pull, root: ReviewComment, *, body: str, author: str
    ) -> ReviewComment:
        """An answer in a thread; to answer an answer is to answer the thread."""
        if not body.strip():
            raise invalid(resource="PullRequestReviewComment", field="body", code="missing_field")
        first = root if root.in_reply_to is None else review_comment_of(repository, root.in_reply_to)
        place = Place(path=first.path, body=body, line=first.original_line, side=first.side)
        review = Review(
            id=self._core.world.new_id(),
            number=issue.number,
            state="COMMENTED",
            body="",
            author=author,
            commit_id=pull.head_sha,
            submitted_at=self._core.world.now(),
        )
        pull.reviews.append(review)
        comment = self._comment(issue, pull, place, hunk=first.diff_hunk, author=author, review=review)
        comment.in_reply_to, comment.is_outdated, comment.line = first.id, first.is_outdated, first.line
        self._core.touch(issue)
        self.tell(repository, issue, pull, review, "submitted", sender=author)
        self._tell_comment(repository, issue, pull, comment, "created", sender=author)
        return comment

    def resolve(
        self, repository: Repository, issue: Issue, pull: Pull, root: ReviewComment, *, resolved: bool, sender: str
    ) -> None:
        """A thread that stands so already stays, and nobody hears of it."""
        if (root.resolved_by is not None) == resolved:
            return
        root.resolved_by = sender if resolved else None
        thread: Json = {
            "node_id": node("PRRT", root.id),
            "comments": [review_comment_json(self._core.shapes, repository, one) for one in thread_of(pull, root)],
        }
        parts = {"pull_request": pull_simple(self._core.shapes, repository, issue, pull), "thread": thread}
        action = "resolved" if resolved else "unresolved"
        self._core.tell(repository, "pull_request_review_thread", sender=sender, action=action, **parts)

    async def follow(self, repository: Repository, pull: Pull, *, before: str) -> None:
        """Moves remarks along with their lines after a push; those whose lines changed are outdated."""
        shas = {comment.original_commit_id for comment in pull.comments}
        if not shas:
            return
        found: dict[str, dict[str, Change]] = {}
        for sha in shas | {before}:
            between = await changes(self._core.git(repository), base=sha, head=pull.head_sha)
            found[sha] = {change.previous or change.path: change for change in between}
        for comment in pull.comments:
            change = found[comment.original_commit_id].get(comment.path)
            comment.commit_id = pull.head_sha
            comment.line = _moved(comment.original_line, change)
            comment.is_outdated = comment.original_line is not None and comment.line is None

    def tell(
        self, repository: Repository, issue: Issue, pull: Pull, review: Review, action: str, *, sender: str
    ) -> None:
        shown = review_json(self._core.shapes, repository, review)
        shown["state"] = review.state.lower()
        shown["body"] = review.body or None
        shown.setdefault("submitted_at", moment(self._core.world.now()))
        parts = {"review": shown, "pull_request": pull_simple(self._core.shapes, repository, issue, pull)}
        self._core.tell(repository, "pull_request_review", sender=sender, action=action, **parts)

    def _tell_comment(
        self, repository: Repository, issue: Issue, pull: Pull, comment: ReviewComment, action: str, *, sender: str
    ) -> None:
        parts = {
            "comment": review_comment_json(self._core.shapes, repository, comment),
            "pull_request": pull_simple(self._core.shapes, repository, issue, pull),
        }
        self._core.tell(repository, "pull_request_review_comment", sender=sender, action=action, **parts)

    def _comment(
        self, issue: Issue, pull: Pull, place: Place, *, hunk: str, author: str, review: Review
    ) -> ReviewComment:
        now = self._core.world.now()
        comment = ReviewComment(
            id=self._core.world.new_id(),
            number=issue.number,
            review_id=review.id,
            body=place.body,
            author=author,
            path=place.path,
            line=place.line,
            original_line=place.line,
            side=place.side,
            start_line=place.start_line,
            subject_type="file" if place.line is None else "line",
            commit_id=pull.head_sha,
            original_commit_id=pull.head_sha,
            diff_hunk=hunk,
            created_at=now,
            updated_at=now,
        )
        pull.comments.append(comment)
        return comment

    async def _hunk(self, repository: Repository, pull: Pull, place: Place) -> str:
        """The part of the diff a remark is on. Raises RefusedError (422) for a place that is no part of it."""
        if not place.body.strip():
            raise invalid(resource="PullRequestReviewComment", field="body", code="missing_field")
        git = self._core.git(repository)
        base = repository.head(pull.base_ref) or pull.base_sha
        between = await compare(git, base=base, head=pull.head_sha)
        for change in await changes(git, base=between.merge_base or base, head=pull.head_sha):
            if change.path == place.path:
                if place.line is None:
                    return ""
                hunk = _hunk_of(change.patch or "", place.line, side=place.side)
                if hunk is None:
                    raise invalid(
                        resource="PullRequestReviewComment", field="line", message="line must be part of the diff"
                    )
                return hunk
        raise invalid(resource="PullRequestReviewComment", field="path")


def thread_of(pull: Pull, root: ReviewComment) -> list[ReviewComment]:
    """A thread's remarks, oldest first."""
    return [comment for comment in pull.comments if root.id in {comment.id, comment.in_reply_to}]


def review_comment_of(repository: Repository, comment_id: int) -> ReviewComment:
    """Raises RefusedError (404) for one that is not there."""
    for issue in repository.issues.values():
        for comment in issue.pull.comments if issue.pull else ():
            if comment.id == comment_id:
                return comment
    raise not_found()


def _hunk_of(patch: str, line: int, *, side: str) -> str | None:
    """From the hunk's first line to the one spoken of."""
    kept: list[str] = []
    numbers = {"LEFT": 0, "RIGHT": 0}
    for text in patch.splitlines():
        if found := _HUNK.match(text):
            kept = [text]
            numbers = {"LEFT": int(found[1]), "RIGHT": int(found[3])}
            continue
        kept.append(text)
        sides = {"+": ("RIGHT",), "-": ("LEFT",), " ": ("LEFT", "RIGHT")}.get(text[:1], ())
        if side in sides and numbers[side] == line:
            return "\n".join(kept)
        for one in sides:
            numbers[one] += 1
    return None


def _moved(line: int | None, change: Change | None) -> int | None:
    """Where a line is after a change; None when it was changed itself."""
    if line is None or change is None:
        return line
    if change.patch is None or change.status == "removed":
        return None
    old, new, shift = 1, 1, 0
    for text in change.patch.splitlines():
        if found := _HUNK.match(text):
            if line < int(found[1]):
                break
            old, new = int(found[1]), int(found[3])
            continue
        if old == line and text[:1] in {"-", " "}:
            return None if text[:1] == "-" else new
        old += text[:1] in {"-", " "}
        new += text[:1] in {"+", " "}
        shift = new - old
    return line + shift
