"""Merging on GitHub: exactly one commit, and a merge whose answer was lost is found."""

from __future__ import annotations

import asyncio

from adw.domain.forge import HeadMoved, MergeConflict, Merged, MergeMethod, MergeOutcome, NotMergeable
from adw.domain.forge_text import MAX_TITLE_CHARS, check_body
from adw.forge.github.branches import both_changed, branch_head, is_on
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.graphql import ask_data
from adw.forge.github.client.repository import read
from adw.forge.github.desk import Desk
from adw.forge.github.pulls import read_pull
from adw.forge.github.reading import Reader
from adw.forge.github.slices.pulls import MergeSlice, PullSlice
from adw.kit.errors import ForgeUnclearError

_REFUSALS = frozenset({FailureKind.NOT_ALLOWED, FailureKind.CONFLICT, FailureKind.INVALID, FailureKind.DENIED})
_PASSING = ("base branch was modified", "not mergeable", "already merged")
"""GitHub finds out in the background whether something can be merged, and may not show a merge of ours yet."""


class GitHubMerge:
    """Implements the part of `adw.ports.forge.PullRequestForge` about merging."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def merge_pull_request(
        self, number: int, *, expected_head_sha: str, message: str, method: MergeMethod = "squash"
    ) -> MergeOutcome:
        check_body(message, what="commit message", required=True)
        reader = await self._desk.writer()
        content = {**_message(message, method), "merge_method": method, "sha": expected_head_sha}
        unclear: ForgeUnclearError | None = None
        for pause_s in (*self._desk.effects.looks_s, None):
            pull = await read_pull(self._desk, number)
            outcome = await self._as_it_stands(pull, reader, expected_head_sha) or await self._try(pull, content)
            if isinstance(outcome, ForgeUnclearError):
                unclear = outcome
            # Once a try may have merged it, only the merge itself is an answer: refusals may come of that.
            elif isinstance(outcome, Merged) or not (unclear or isinstance(outcome, Failure)):
                return outcome
            if pause_s is not None:
                await asyncio.sleep(pause_s)
            elif unclear is None:
                return NotMergeable(reason=str(outcome))
        raise unclear or AssertionError

    async def enable_auto_merge(
        self, number: int, *, expected_head_sha: str, message: str, method: MergeMethod = "squash"
    ) -> None:
        """Lets GitHub merge exactly this commit once all it waits for has come. Raises errors where it cannot."""
        pull = await read_pull(self._desk, number)
        texts = _message(check_body(message, what="commit message", required=True), method)
        variables = {
            "id": pull.node_id,
            "method": method.upper(),
            "sha": expected_head_sha,
            "title": texts.get("commit_title"),
            "text": texts.get("commit_message"),
        }
        await ask_data(self._desk.api, "EnableAutoMerge", variables, what=f"have #{number} merged later")

    async def disable_auto_merge(self, number: int) -> None:
        pull = await read_pull(self._desk, number)
        await ask_data(self._desk.api, "DisableAutoMerge", {"id": pull.node_id}, what=f"not have #{number} merged")

    async def find_merge_on_base(self, *, sha: str, base: str) -> bool:
        return await is_on(self._desk.api, sha=sha, branch=base)

    async def _as_it_stands(self, pull: PullSlice, reader: Reader, expected_head_sha: str) -> MergeOutcome | None:
        """What needs no attempt. A head that was just pushed is seen on the branch first."""
        seen = reader.pull(pull)
        if seen.state == "merged":
            return Merged(sha=seen.merge_sha or "")
        if seen.state != "ready":
            return NotMergeable(reason=f"pull request #{seen.number} is {seen.state}")
        if seen.head_sha == expected_head_sha:
            return None
        actual_sha = await branch_head(self._desk.api, seen.head_branch)
        return (
            None
            if actual_sha == expected_head_sha
            else HeadMoved(expected_sha=expected_head_sha, actual_sha=actual_sha)
        )

    async def _try(self, pull: PullSlice, content: dict[str, str]) -> MergeOutcome | Failure | ForgeUnclearError:
        """A failure is a refusal that another look, a little later, may turn into something else."""
        path, what = f"/pulls/{pull.number}/merge", f"merge pull request #{pull.number}"
        try:
            answer = await self._desk.api.send(
                "PUT", path, what=what, json=content, accept=_REFUSALS, is_repeatable=False
            )
        except ForgeUnclearError as error:
            return error
        if answer.failure is not None:
            return await self._refused(pull.number, answer.failure, expected_sha=content["sha"])
        return Merged(sha=read(MergeSlice, answer.json()).sha)

    async def _refused(self, number: int, failure: Failure, *, expected_sha: str) -> MergeOutcome | Failure:
        pull = await read_pull(self._desk, number)
        if pull.merged_at is not None:
            return Merged(sha=pull.merge_commit_sha or "")
        if failure.kind is FailureKind.CONFLICT:
            actual_sha = await branch_head(self._desk.api, pull.head.ref)
            if actual_sha != expected_sha:
                return HeadMoved(expected_sha=expected_sha, actual_sha=actual_sha)
            return failure
        if pull.mergeable is False or failure.says("conflict"):
            files = await both_changed(self._desk.api, base=pull.base.ref, head_sha=pull.head.sha)
            return MergeConflict(files=files)
        is_passing = any(failure.says(words) for words in _PASSING)
        return failure if is_passing else NotMergeable(reason=str(failure))


def _message(message: str, method: MergeMethod) -> dict[str, str]:
    """The first line is the title; rebased commits keep their own messages."""
    if method == "rebase":
        return {}
    title, _, text = message.strip().partition("\n")
    return {"commit_title": title.strip()[:MAX_TITLE_CHARS], "commit_message": text.strip()}
