"""The labels of a repository and of its issues."""

from __future__ import annotations

from pydantic import BaseModel, Field

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import RefusedError, not_found
from adw.forge.github_stand_in.records import Issue, Label
from adw.forge.github_stand_in.routes.issues import LabelNames, names_of
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.world import issue_of

_OF_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}/labels"
_LABEL = "/repos/{owner}/{repo}/labels/{name}"
_COLOR = r"^[0-9a-fA-F]{6}$"


class NewLabel(BaseModel):
    """A label to make."""

    name: str = Field(min_length=1, max_length=50)
    color: str = Field(default="ededed", pattern=_COLOR)
    description: str | None = None


class LabelEdit(BaseModel):
    """Changes of a label."""

    new_name: str | None = Field(default=None, min_length=1, max_length=50)
    color: str | None = Field(default=None, pattern=_COLOR)
    description: str | None = None


class Labels(BaseModel):
    """Labels by name."""

    labels: LabelNames = []


@route("GET", "/repos/{owner}/{repo}/labels")
async def list_labels(call: Call) -> Reply:
    return call.page(list(call.repo.labels.values()), shape=lambda label: call.shapes.label(call.repo, label))


@route("POST", "/repos/{owner}/{repo}/labels")
async def create_label(call: Call) -> Reply:
    new = call.read(NewLabel)
    if new.name.lower() in call.repo.labels:
        error = {"resource": "Label", "field": "name", "code": "already_exists"}
        raise RefusedError(422, "Validation Failed", errors=[error])
    label = call.effects.issues.ensure_label(call.repo, new.name, sender=call.login, color=new.color)
    label.description = new.description
    return Reply(status=201, json=call.shapes.label(call.repo, label))


@route("GET", _LABEL)
async def get_label(call: Call) -> Reply:
    return Reply(json=call.shapes.label(call.repo, _label(call)))


@route("PATCH", _LABEL)
async def edit_label(call: Call) -> Reply:
    label, edit = _label(call), call.read(LabelEdit)
    label.color = edit.color or label.color
    label.description = edit.description if "description" in edit.model_fields_set else label.description
    if edit.new_name and edit.new_name != label.name:
        _rename(call, label, edit.new_name)
    return Reply(json=call.shapes.label(call.repo, label))


@route("DELETE", _LABEL)
async def delete_label(call: Call) -> Reply:
    label = _label(call)
    for issue in call.repo.issues.values():
        if label.name in issue.labels:
            issue.labels.remove(label.name)
    del call.repo.labels[label.name.lower()]
    return Reply(status=204)


@route("GET", _OF_ISSUE)
async def list_labels_of_issue(call: Call) -> Reply:
    return _shown(call, _issue(call))


@route("POST", _OF_ISSUE, needs="triage")
async def add_labels(call: Call) -> Reply:
    issue = _issue(call)
    for name in names_of(call.read(Labels).labels):
        call.effects.issues.label(call.repo, issue, name, sender=call.login)
    return _shown(call, issue)


@route("PUT", _OF_ISSUE, needs="triage")
async def set_labels(call: Call) -> Reply:
    issue = _issue(call)
    call.effects.issues.set_labels(call.repo, issue, names_of(call.read(Labels).labels), sender=call.login)
    return _shown(call, issue)


@route("DELETE", _OF_ISSUE, needs="triage")
async def remove_all_labels(call: Call) -> Reply:
    call.effects.issues.set_labels(call.repo, _issue(call), [], sender=call.login)
    return Reply(status=204)


@route("DELETE", f"{_OF_ISSUE}/{{name}}", needs="triage")
async def remove_label(call: Call) -> Reply:
    issue = _issue(call)
    call.effects.issues.unlabel(call.repo, issue, call.parts["name"], sender=call.login)
    return _shown(call, issue)


def _label(call: Call) -> Label:
    label = call.repo.labels.get(call.parts["name"].lower())
    if label is None:
        raise not_found()
    return label


def _rename(call: Call, label: Label, name: str) -> None:
    if name.lower() in call.repo.labels and name.lower() != label.name.lower():
        error = {"resource": "Label", "field": "name", "code": "already_exists"}
        raise RefusedError(422, "Validation Failed", errors=[error])
    for issue in call.repo.issues.values():
        issue.labels = [name if own == label.name else own for own in issue.labels]
    del call.repo.labels[label.name.lower()]
    label.name = name
    call.repo.labels[name.lower()] = label


def _issue(call: Call) -> Issue:
    return issue_of(call.repo, call.number("issue_number"))


def _shown(call: Call, issue: Issue) -> Reply:
    return call.page(call.shapes.labels(call.repo, issue.labels))
