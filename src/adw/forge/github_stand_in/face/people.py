"""What people do: write issues, comment, review, push and merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from adw.forge.github_stand_in.effects.issues import comment_of
from adw.forge.github_stand_in.effects.merges import Wish
from adw.forge.github_stand_in.effects.reviews import Place, review_comment_of
from adw.forge.github_stand_in.face.core import Face
from adw.forge.github_stand_in.records import Comment, Issue, Repository, Review, ReviewComment
from adw.forge.github_stand_in.repositories.contents import write_commit

Event = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]


class People(Face):
    """Each is done by the account named, whether or not it may: rights are for those who ask over HTTP."""

    def add_issue(
        self, full_name: str, title: str, *, body: str = "", author: str | None = None, labels: Sequence[str] = ()
    ) -> int:
        """Writes an issue, the owner's unless told otherwise, and returns its number."""
        repository = self._repository(full_name)
        login = self._person(repository, author)

        async def add() -> int:
            return self._effects.issues.create(repository, title=title, body=body, author=login, labels=labels).number

        return self._do(add())

    def issue(self, full_name: str, number: int) -> Issue:
        """The record itself: look, but change nothing."""
        return self._issue(full_name, number)[1]

    def label(self, full_name: str, number: int, *labels: str, by: str | None = None) -> None:
        repository, issue = self._issue(full_name, number)

        async def put() -> None:
            for name in labels:
                self._effects.issues.label(repository, issue, name, sender=self._person(repository, by))

        self._do(put())

    def unlabel(self, full_name: str, number: int, label: str, *, by: str | None = None) -> None:
        repository, issue = self._issue(full_name, number)

        async def take() -> None:
            self._effects.issues.unlabel(repository, issue, label, sender=self._person(repository, by))

        self._do(take())

    def comment(self, full_name: str, number: int, body: str, *, by: str | None = None) -> Comment:
        repository, issue = self._issue(full_name, number)

        async def say() -> Comment:
            return self._effects.issues.comment(repository, issue, body=body, author=self._person(repository, by))

        return self._do(say())

    def edit_comment(self, full_name: str, comment_id: int, body: str, *, by: str | None = None) -> None:
        repository = self._repository(full_name)

        async def edit() -> None:
            comment = comment_of(repository, comment_id)
            sender = by or comment.author
            self._effects.issues.edit_comment(repository, comment, body=body, sender=sender)

        self._do(edit())

    def edit(
        self,
        full_name: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        by: str | None = None,
    ) -> None:
        repository, issue = self._issue(full_name, number)

        async def edit() -> None:
            sender = self._person(repository, by)
            self._effects.issues.edit(repository, issue, title=title, body=body, sender=sender)

        self._do(edit())

    def close(self, full_name: str, number: int, *, by: str | None = None) -> None:
        """Closes an issue, or a pull request without merging it."""
        repository, issue = self._issue(full_name, number)

        async def close() -> None:
            self._effects.issues.close(repository, issue, sender=self._person(repository, by))

        self._do(close())

    def reopen(self, full_name: str, number: int, *, by: str | None = None) -> None:
        repository, issue = self._issue(full_name, number)

        async def reopen() -> None:
            self._effects.issues.reopen(repository, issue, sender=self._person(repository, by))

        self._do(reopen())

    def lock(self, full_name: str, number: int, *, by: str | None = None) -> None:
        repository, issue = self._issue(full_name, number)

        async def lock() -> None:
            self._effects.issues.lock(repository, issue, sender=self._person(repository, by))

        self._do(lock())

    def push(
        self,
        full_name: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        message: str = "Change something",
        by: str | None = None,
        start: str | None = None,
    ) -> str:
        """Commits files (None removes one) on a branch, begun at `start` or the default one, and returns the commit.

        Protection does not hold it back: it is for setting the scene.
        """
        repository = self._repository(full_name)
        login = self._person(repository, by)

        async def push() -> str:
            async with self._effects.core.lock(repository):
                parent = repository.head(branch) or repository.head(start or repository.default_branch)
                git = self._effects.core.git(repository)
                sha = await write_commit(git, branch=branch, files=files, message=message, author=login, parent=parent)
                await self._effects.refs.look(repository, sender=login)
            return sha

        return self._do(push())

    def open_pull(
        self,
        full_name: str,
        *,
        head: str,
        title: str,
        body: str = "",
        base: str | None = None,
        draft: bool = False,
        by: str | None = None,
    ) -> int:
        """Opens a pull request and returns its number."""
        repository = self._repository(full_name)

        async def add() -> int:
            issue = await self._effects.pulls.create(
                repository,
                title=title,
                body=body,
                head=head,
                base=base or repository.default_branch,
                draft=draft,
                author=self._person(repository, by),
            )
            return issue.number

        return self._do(add())

    def review(
        self,
        full_name: str,
        number: int,
        event: Event,
        *,
        by: str,
        body: str = "",
        comments: Sequence[Place] = (),
    ) -> Review:
        """Gives a verdict with remarks on lines that the pull request changes."""
        repository, issue, pull = self._pull(full_name, number)
        self.world.ensure_user(by)

        async def review() -> Review:
            made = await self._effects.reviews.create(
                repository, issue, pull, event=event, body=body, author=by, places=comments
            )
            await self._effects.merges.consider(repository, pull.head_sha)
            return made

        return self._do(review())

    def thread(
        self, full_name: str, number: int, *, path: str, body: str, by: str, line: int | None = None
    ) -> ReviewComment:
        """Begins a conversation about a line, or about a whole file."""
        repository, issue, pull = self._pull(full_name, number)
        self.world.ensure_user(by)
        place = Place(path=path, body=body, line=line)
        return self._do(self._effects.reviews.remark(repository, issue, pull, place, author=by))

    def reply(self, full_name: str, comment_id: int, body: str, *, by: str) -> ReviewComment:
        """Answers in a thread."""
        root = review_comment_of(self._repository(full_name), comment_id)
        repository, issue, pull = self._pull(full_name, root.number)
        self.world.ensure_user(by)

        async def reply() -> ReviewComment:
            return self._effects.reviews.reply(repository, issue, pull, root, body=body, author=by)

        return self._do(reply())

    def resolve(self, full_name: str, comment_id: int, *, by: str, resolved: bool = True) -> None:
        """Settles the thread that this remark begins, or opens it again."""
        root = review_comment_of(self._repository(full_name), comment_id)
        repository, issue, pull = self._pull(full_name, root.number)

        async def resolve() -> None:
            self._effects.reviews.resolve(repository, issue, pull, root, resolved=resolved, sender=by)

        self._do(resolve())

    def ready(self, full_name: str, number: int, *, draft: bool = False, by: str | None = None) -> None:
        """Ends a draft, or makes one."""
        repository, issue, pull = self._pull(full_name, number)

        async def ready() -> None:
            sender = self._person(repository, by)
            self._effects.pulls.set_draft(repository, issue, pull, draft=draft, sender=sender)

        self._do(ready())

    def merge(self, full_name: str, number: int, *, method: str = "squash", by: str | None = None) -> str:
        """Merges a pull request and returns the base's new commit."""
        repository, issue, pull = self._pull(full_name, number)
        wish = Wish(method=method)
        sender = self._person(repository, by)
        return self._do(self._effects.merges.merge(repository, issue, pull, wish, sender=sender))

    def undecide(self, *, reads: int) -> None:
        """Lets that many readings of pull requests come before it is known whether they can be merged."""
        self._effects.pulls.undecided_reads = reads

    def _person(self, repository: Repository, login: str | None) -> str:
        return self.world.ensure_user(login).login if login else repository.owner
