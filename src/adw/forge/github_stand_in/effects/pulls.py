"""Pull requests: opening, following their branches, and how they stand."""

from __future__ import annotations

from dataclasses import dataclass

from adw.forge.github_stand_in.effects.checks import PASSING, Checks
from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.effects.issues import Issues, check_text
from adw.forge.github_stand_in.errors import RefusedError, invalid, unprocessable
from adw.forge.github_stand_in.records import Issue, Protection, Pull, Repository
from adw.forge.github_stand_in.repositories.history import changes, compare
from adw.forge.github_stand_in.repositories.merging import merges_cleanly
from adw.forge.github_stand_in.shapes.pulls import PullFacts
from adw.forge.github_stand_in.world import open_pulls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    clean: bool
    behind_by: int
    commits: int
    additions: int
    deletions: int
    changed_files: int


class Pulls:
    """What can be done to pull requests short of reviewing and merging them.

    For the next `undecided_reads` readings nobody knows yet whether something can be merged, as on GitHub at first.
    """

    def __init__(self, core: Core, checks: Checks, issues: Issues) -> None:
        self._core = core
        self._checks = checks
        self._issues = issues
        self._measured: dict[tuple[int, str, str], _Measured] = {}
        self.undecided_reads = 0

    async def create(
        self, repository: Repository, *, title: str, body: str | None, head: str, base: str, draft: bool, author: str
    ) -> Issue:
        """Raises RefusedError (422) as GitHub does: for branches that are absent, have nothing new or are open."""
        check_text(title=title, body=body, resource="PullRequest")
        head = head.removeprefix(f"{repository.owner}:")
        if draft and not repository.drafts:
            raise unprocessable("Draft pull requests are not supported in this repository.")
        head_sha, base_sha = repository.head(head), repository.head(base)
        for field, sha in (("head", head_sha), ("base", base_sha)):
            if sha is None:
                raise invalid(resource="PullRequest", field=field)
        await self._check_new(repository, head=head, base=base)
        now = self._core.world.now()
        issue = Issue(
            id=self._core.world.new_id(),
            number=self._issues.take_number(repository),
            title=title,
            body=body,
            author=author,
            created_at=now,
            updated_at=now,
            pull=Pull(
                id=self._core.world.new_id(),
                head_ref=head,
                head_sha=repository.refs[f"refs/heads/{head}"],
                base_ref=base,
                base_sha=repository.refs[f"refs/heads/{base}"],
                draft=draft,
            ),
        )
        repository.issues[issue.number] = issue
        await self.keep_head(repository, issue)
        self._core.tell_issue(repository, issue, "opened", sender=author)
        return issue

    async def keep_head(self, repository: Repository, issue: Issue) -> None:
        """Keeps the head reachable under the pull request's own ref, whatever becomes of the branch."""
        if issue.pull is not None:
            await self._core.git(repository).run("update-ref", f"refs/pull/{issue.number}/head", issue.pull.head_sha)

    async def facts(self, repository: Repository, issue: Issue, pull: Pull) -> PullFacts:
        measured = await self._measure(repository, pull, is_open=issue.state == "open")
        is_decided = issue.state == "open" and not self.undecided_reads
        self.undecided_reads = max(self.undecided_reads - 1, 0)
        return PullFacts(
            mergeable=measured.clean if is_decided else None,
            mergeable_state=self._word(repository, pull, measured) if is_decided else "unknown",
            commits=measured.commits,
            additions=measured.additions,
            deletions=measured.deletions,
            changed_files=measured.changed_files,
        )

    async def retarget(self, repository: Repository, issue: Issue, pull: Pull, base: str, *, sender: str) -> None:
        sha = repository.head(base)
        if sha is None:
            raise invalid(resource="PullRequest", field="base")
        if base == pull.base_ref:
            return
        await self._check_new(repository, head=pull.head_ref, base=base)
        was = {"base": {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}}
        pull.base_ref, pull.base_sha = base, sha
        self._core.touch(issue)
        self._core.tell_issue(repository, issue, "edited", sender=sender, changes=was)

    def set_draft(self, repository: Repository, issue: Issue, pull: Pull, *, draft: bool, sender: str) -> None:
        """Raises RefusedError (422) for drafts where the repository has none."""
        if pull.draft == draft:
            return
        if draft and not repository.drafts:
            raise unprocessable("Draft pull requests are not supported in this repository.")
        pull.draft = draft
        self._core.touch(issue)
        event = "converted_to_draft" if draft else "ready_for_review"
        self._core.world.note(repository, issue, "convert_to_draft" if draft else event, sender)
        self._core.tell_issue(repository, issue, event, sender=sender)

    async def missing(self, repository: Repository, pull: Pull) -> str | None:
        """What the base branch still demands, in GitHub's words."""
        protection = repository.protections.get(pull.base_ref)
        if protection is None:
            return None
        measured = await self._measure(repository, pull, is_open=True)
        return self._missing(repository, pull, protection, behind=measured.behind_by)

    def _missing(self, repository: Repository, pull: Pull, protection: Protection, *, behind: int) -> str | None:
        words = self._checks.words_of(repository, pull.head_sha)
        for name in protection.checks:
            if words.get(name) not in PASSING:
                return f'Required status check "{name}" is {_stage(name, words)}.'
        approvals, objections = verdicts(pull)
        if protection.approvals is not None:
            if objections:
                return "Changes have been requested by a reviewer with write access."
            if len(approvals) < protection.approvals:
                return f"At least {protection.approvals} approving review is required by reviewers with write access."
        if protection.threads_resolved and any(_is_unresolved(pull)):
            return "A conversation must be resolved before this pull request can be merged."
        if protection.strict and protection.checks and behind:
            return "The head branch is not up to date with the base branch."
        return None

    def _word(self, repository: Repository, pull: Pull, measured: _Measured) -> str:
        if not measured.clean:
            return "dirty"
        if pull.draft:
            return "draft"
        protection = repository.protections.get(pull.base_ref)
        missing = self._missing(repository, pull, protection, behind=measured.behind_by) if protection else None
        if missing is not None:
            return "behind" if missing.startswith("The head branch") else "blocked"
        words = self._checks.words_of(repository, pull.head_sha).values()
        return "unstable" if any(word not in PASSING for word in words) else "clean"

    async def _measure(self, repository: Repository, pull: Pull, *, is_open: bool) -> _Measured:
        base = (repository.head(pull.base_ref) if is_open else None) or pull.base_sha
        key = (repository.id, base, pull.head_sha)
        if key not in self._measured:
            git = self._core.git(repository)
            between = await compare(git, base=base, head=pull.head_sha)
            files = await changes(git, base=between.merge_base or base, head=pull.head_sha)
            self._measured[key] = _Measured(
                clean=await merges_cleanly(git, base=base, head=pull.head_sha),
                behind_by=between.behind_by,
                commits=len(between.ahead),
                additions=sum(file.additions for file in files),
                deletions=sum(file.deletions for file in files),
                changed_files=len(files),
            )
        return self._measured[key]

    async def _check_new(self, repository: Repository, *, head: str, base: str) -> None:
        git = self._core.git(repository)
        between = await compare(git, base=f"refs/heads/{base}", head=f"refs/heads/{head}")
        message = None
        if between.merge_base is None:
            message = f"The {base} branch has no history in common with {head}"
        elif not between.ahead:
            message = f"No commits between {base} and {head}"
        elif any(pull.head_ref == head and pull.base_ref == base for _, pull in open_pulls(repository)):
            message = f"A pull request already exists for {repository.owner}:{head}."
        if message is not None:
            error = {"resource": "PullRequest", "code": "custom", "message": message}
            raise RefusedError(422, "Validation Failed", errors=[error])


def verdicts(pull: Pull) -> tuple[set[str], set[str]]:
    """Who approves and who objects, by each reviewer's last word."""
    last: dict[str, str] = {}
    for review in pull.reviews:
        if review.state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:
            last[review.author] = review.state
    approving = {login for login, word in last.items() if word == "APPROVED"}
    return approving, {login for login, word in last.items() if word == "CHANGES_REQUESTED"}


def _is_unresolved(pull: Pull) -> list[bool]:
    return [comment.resolved_by is None for comment in pull.comments if comment.in_reply_to is None]


def _stage(name: str, words: dict[str, str | None]) -> str:
    if name not in words:
        return "expected"
    return "in progress" if words[name] is None else "failing"
