"""Reviews on GitHub, and what a pull request changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES, Review, ReviewComment, ReviewState
from adw.domain.forge_text import check_body, check_title
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.repository import read
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.pulls import read_pull
from adw.forge.github.slices.pulls import FileSlice, ReviewCommentSlice, ReviewSlice
from adw.forge.github.texts import outgoing
from adw.kit.errors import ConflictError, ForgeError, UsageError

_EVENTS: dict[ReviewState, str] = {
    "approved": "APPROVE",
    "changes_requested": "REQUEST_CHANGES",
    "commented": "COMMENT",
}
_DIFF = "application/vnd.github.diff"
_TOO_LARGE = frozenset({FailureKind.UNEXPECTED, FailureKind.INVALID})


class GitHubReviews:
    """Implements the part of `adw.ports.forge.PullRequestForge` about reviews."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

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
        del author
        remarks = [_checked(remark) for remark in comments]
        check_body(body, what="review", required=state != "approved" and not remarks)
        check_number(number, what="pull request")
        if key is not None:
            check_key(key)
        reader = await self._desk.writer()

        async def make() -> ReviewSlice:
            return await self._review(number, state=state, body=body, key=key, remarks=remarks)

        if key is None:
            made = await make()
        else:
            made = await self._desk.once(f"review {number} {key}", find=lambda: self._review_of(number, key), make=make)
        said = await self._remarks(number)
        return reader.review(made, number=number, comments=said.get(made.id, []))

    async def list_reviews(self, number: int) -> list[Review]:
        reader, said = await self._desk.reader(), await self._remarks(number)
        return [
            reader.review(found, number=number, comments=said.get(found.id, []))
            for found in await self._reviews(number)
            if found.state.upper() != "PENDING"
        ]

    async def diff(self, number: int) -> str:
        check_number(number, what="pull request")
        path, what = f"/pulls/{number}", f"read the diff of #{number}"
        answer = await self._desk.api.send("GET", path, what=what, media=_DIFF, accept=_TOO_LARGE)
        return answer.text if answer.failure is None else await self._diff_by_files(number)

    async def _review(
        self, number: int, *, state: ReviewState, body: str, key: str | None, remarks: Sequence[ReviewComment]
    ) -> ReviewSlice:
        pull = await read_pull(self._desk, number)
        content: dict[str, Any] = {"event": _EVENTS[state], "commit_id": pull.head.sha}
        placed = [remark for remark in remarks if remark.line is not None]
        loose = [remark for remark in remarks if remark.line is None]
        for on_lines, in_text in ((placed, loose), ([], remarks)):
            text = _with_remarks(body, in_text)
            lines = [{"path": each.path, "line": each.line, "side": "RIGHT", "body": each.body} for each in on_lines]
            sent = {**content, "body": outgoing(text, key=key), **({"comments": lines} if lines else {})}
            path, what = f"/pulls/{number}/reviews", f"review pull request #{number}"
            answer = await self._desk.api.send("POST", path, what=what, json=sent, accept={FailureKind.INVALID})
            if answer.failure is None:
                return read(ReviewSlice, answer.json())
            if not on_lines or not _is_about_lines(answer.failure):
                raise _refused(number, state, answer.failure)
        raise AssertionError

    async def _review_of(self, number: int, key: str) -> ReviewSlice | None:
        reader = await self._desk.writer()
        return next((found for found in await self._reviews(number) if reader.key_of(found) == key), None)

    async def _reviews(self, number: int) -> list[ReviewSlice]:
        check_number(number, what="pull request")
        path, what = f"/pulls/{number}/reviews", f"read the reviews of #{number}"
        return [found async for found in self._desk.api.each(ReviewSlice, path, what=what)]

    async def _remarks(self, number: int) -> dict[int, list[ReviewCommentSlice]]:
        """What was said on lines, by review."""
        check_number(number, what="pull request")
        path, what = f"/pulls/{number}/comments", f"read the remarks on #{number}"
        said: dict[int, list[ReviewCommentSlice]] = {}
        async for found in self._desk.api.each(ReviewCommentSlice, path, what=what):
            said.setdefault(found.review_id or 0, []).append(found)
        return said

    async def _diff_by_files(self, number: int) -> str:
        """GitHub gives no diff of more than a few hundred files; the parts it has are put together."""
        path, what = f"/pulls/{number}/files", f"read the files of #{number}"
        parts = [_patch(file) async for file in self._desk.api.each(FileSlice, path, what=what)]
        if not parts:
            raise ForgeError(f"GitHub shows no diff of pull request #{number}")
        return "".join(parts)


def _patch(file: FileSlice) -> str:
    before = file.previous_filename or file.filename
    old = "/dev/null" if file.status == "added" else f"a/{before}"
    new = "/dev/null" if file.status == "removed" else f"b/{file.filename}"
    head = f"diff --git a/{before} b/{file.filename}\n"
    return f"{head}--- {old}\n+++ {new}\n{file.patch}\n" if file.patch is not None else f"{head}(not shown)\n"


def _checked(remark: ReviewComment) -> ReviewComment:
    if remark.line is not None and remark.line < 1:
        raise UsageError(f"line {remark.line} of {remark.path} does not exist", hint="lines count from 1")
    body = check_body(remark.body, what="review comment", required=True)
    return replace(remark, path=check_title(remark.path), body=body)


def _with_remarks(body: str, remarks: Sequence[ReviewComment]) -> str:
    """Remarks that have no place in the diff follow the review's own text."""
    places = (f"**{each.path}{'' if each.line is None else f':{each.line}'}**: {each.body}" for each in remarks)
    return "\n\n".join(filter(None, (body, *places)))


def _is_about_lines(failure: Failure) -> bool:
    return not failure.says("own pull request")


def _refused(number: int, state: ReviewState, failure: Failure) -> Exception:
    if failure.says("own pull request"):
        verdict = "approve" if state == "approved" else "ask for changes on"
        hint = "leave a comment instead, or let somebody else review it"
        return ConflictError(f"nobody can {verdict} their own pull request #{number} on GitHub", hint=hint)
    return UsageError(f"GitHub refused the review of #{number}: {failure}")
