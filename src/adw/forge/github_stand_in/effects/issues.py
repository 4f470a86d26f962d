"""Issues, their labels and comments; what is said of issues here holds for pull requests as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.errors import RefusedError, invalid, not_found
from adw.forge.github_stand_in.records import Comment, Issue, Label, Repository
from adw.forge.github_stand_in.shapes.issues import comment_json, issue_json

MOST_BODY = 65_536
MOST_TITLE = 256
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#(\d+)\b", re.IGNORECASE)


class Issues:
    """Every change tells the hooks after it was made."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(
        self, repository: Repository, *, title: str, body: str | None, author: str, labels: Sequence[str] = ()
    ) -> Issue:
        check_text(title=title, body=body, resource="Issue")
        now = self._core.world.now()
        issue = Issue(
            id=self._core.world.new_id(),
            number=self.take_number(repository),
            title=title,
            body=body,
            author=author,
            created_at=now,
            updated_at=now,
        )
        issue.labels = [self.ensure_label(repository, name, sender=author).name for name in dict.fromkeys(labels)]
        repository.issues[issue.number] = issue
        self._core.tell_issue(repository, issue, "opened", sender=author)
        for name in issue.labels:
            self._tell_label(repository, issue, name, "labeled", sender=author)
        return issue

    def take_number(self, repository: Repository) -> int:
        number = repository.next_number
        repository.next_number += 1
        return number

    def edit(
        self, repository: Repository, issue: Issue, *, title: str | None = None, body: str | None = None, sender: str
    ) -> None:
        check_text(title=issue.title if title is None else title, body=body, resource="Issue")
        changes: dict[str, Any] = {}
        if title is not None and title != issue.title:
            changes["title"] = {"from": issue.title}
            issue.title = title
        if body is not None and body != issue.body:
            changes["body"] = {"from": issue.body or ""}
            issue.body = body
        if changes:
            self._core.touch(issue)
            self._core.tell_issue(repository, issue, "edited", sender=sender, changes=changes)

    def close(
        self,
        repository: Repository,
        issue: Issue,
        *,
        sender: str,
        reason: str = "completed",
        commit: str | None = None,
    ) -> None:
        """A closed one stays as it is."""
        if issue.state == "closed":
            return
        issue.state, issue.closed_by = "closed", sender
        issue.state_reason = None if issue.pull else reason
        issue.closed_at = self._core.world.now()
        self._core.touch(issue)
        self._core.world.note(repository, issue, "closed", sender).commit_id = commit
        self._core.tell_issue(repository, issue, "closed", sender=sender)

    def reopen(self, repository: Repository, issue: Issue, *, sender: str) -> None:
        if issue.state == "open":
            return
        issue.state, issue.closed_at, issue.closed_by = "open", None, None
        issue.state_reason = None if issue.pull else "reopened"
        self._core.touch(issue)
        self._core.world.note(repository, issue, "reopened", sender)
        self._core.tell_issue(repository, issue, "reopened", sender=sender)

    def lock(self, repository: Repository, issue: Issue, *, sender: str, locked: bool = True) -> None:
        if issue.locked == locked:
            return
        issue.locked = locked
        self._core.touch(issue)
        word = "locked" if locked else "unlocked"
        self._core.world.note(repository, issue, word, sender)
        self._core.tell_issue(repository, issue, word, sender=sender)

    def set_labels(self, repository: Repository, issue: Issue, names: Sequence[str], *, sender: str) -> None:
        """Exactly these, made where the repository lacks them."""
        wanted = {name.lower() for name in names}
        for name in [name for name in issue.labels if name.lower() not in wanted]:
            self.unlabel(repository, issue, name, sender=sender)
        for name in names:
            self.label(repository, issue, name, sender=sender)

    def label(self, repository: Repository, issue: Issue, name: str, *, sender: str) -> None:
        """One that is there already changes nothing, and nobody hears of it."""
        label = self.ensure_label(repository, name, sender=sender)
        if label.name in issue.labels:
            return
        issue.labels.append(label.name)
        self._core.touch(issue)
        self._tell_label(repository, issue, label.name, "labeled", sender=sender)

    def unlabel(self, repository: Repository, issue: Issue, name: str, *, sender: str) -> None:
        """Raises RefusedError (404) for a label that the issue does not bear."""
        bears = next((own for own in issue.labels if own.lower() == name.lower()), None)
        if bears is None:
            raise not_found("Label does not exist")
        issue.labels.remove(bears)
        self._core.touch(issue)
        self._tell_label(repository, issue, bears, "unlabeled", sender=sender)

    def ensure_label(self, repository: Repository, name: str, *, sender: str, color: str = "ededed") -> Label:
        if not name.strip() or len(name) > 50:  # noqa: PLR2004 - the longest name GitHub takes
            raise invalid(resource="Label", field="name")
        found = repository.labels.get(name.lower())
        if found is None:
            found = Label(id=self._core.world.new_id(), name=name, color=color)
            repository.labels[name.lower()] = found
            shown = self._core.shapes.label(repository, found)
            self._core.tell(repository, "label", sender=sender, action="created", label=shown)
        return found

    def comment(self, repository: Repository, issue: Issue, *, body: str, author: str) -> Comment:
        if not body.strip():
            raise invalid(resource="IssueComment", field="body", code="missing_field")
        check_text(title="-", body=body, resource="IssueComment")
        now = self._core.world.now()
        comment = Comment(
            id=self._core.world.new_id(),
            number=issue.number,
            body=body,
            author=author,
            created_at=now,
            updated_at=now,
        )
        issue.comments.append(comment)
        self._core.touch(issue)
        self._tell_comment(repository, comment, "created", sender=author)
        return comment

    def edit_comment(self, repository: Repository, comment: Comment, *, body: str, sender: str) -> None:
        check_text(title="-", body=body, resource="IssueComment")
        changes = {"body": {"from": comment.body}}
        comment.body, comment.updated_at = body, self._core.world.now()
        self._tell_comment(repository, comment, "edited", sender=sender, changes=changes)

    def delete_comment(self, repository: Repository, comment: Comment, *, sender: str) -> None:
        self._tell_comment(repository, comment, "deleted", sender=sender)
        repository.issues[comment.number].comments.remove(comment)

    def close_mentioned(self, repository: Repository, text: str, *, sender: str, commit: str) -> None:
        """Closes the issues that a merged pull request says it closes."""
        for name, number in _CLOSES.findall(text):
            issue = repository.issues.get(int(number))
            if issue is not None and issue.pull is None and name.lower() in {"", repository.full_name.lower()}:
                self.close(repository, issue, sender=sender, commit=commit)

    def _tell_label(
        self, repository: Repository, issue: Issue, name: str, action: Literal["labeled", "unlabeled"], *, sender: str
    ) -> None:
        self._core.world.note(repository, issue, action, sender, label=name)
        label = self._core.shapes.label(repository, repository.labels[name.lower()])
        self._core.tell_issue(repository, issue, action, sender=sender, label=label)

    def _tell_comment(
        self, repository: Repository, comment: Comment, action: str, *, sender: str, **parts: Any
    ) -> None:
        shapes = self._core.shapes
        shown = {
            "issue": issue_json(shapes, repository, repository.issues[comment.number]),
            "comment": comment_json(shapes, repository, comment),
        }
        self._core.tell(repository, "issue_comment", sender=sender, action=action, **shown, **parts)


def comment_of(repository: Repository, comment_id: int) -> Comment:
    """Raises RefusedError (404) for one that is not there."""
    for issue in repository.issues.values():
        for comment in issue.comments:
            if comment.id == comment_id:
                return comment
    raise not_found()


def check_text(*, title: str, body: str | None, resource: str) -> None:
    """Raises RefusedError (422) for a title or body that GitHub would not take."""
    if not title.strip():
        raise invalid(resource=resource, field="title", code="missing_field")
    if len(title) > MOST_TITLE:
        raise invalid(resource=resource, field="title", code="custom", message="title is too long")
    if body is not None and len(body) > MOST_BODY:
        raise invalid(
            resource=resource, field="body", code="custom", message="body is too long (maximum is 65536 characters)"
        )
    for text in (title, body or ""):
        if "\0" in text:
            raise RefusedError(
                422, "Validation Failed", errors=[{"resource": resource, "field": "body", "code": "invalid"}]
            )
