"""Work that cannot be taken is refused at the door: nothing is written, and the reason says what to do."""

from __future__ import annotations

import pytest
from repositories import git, make_repository

from adw.kit.errors import ConfigurationError, ConflictError, DuplicateRunError, NotFoundError, UsageError
from adw.store.workflows import list_workflows

pytestmark = pytest.mark.runtime("plain")


def no_repository(folder):
    (folder / "plain").mkdir()
    return folder / "plain"


def unborn(folder):
    (folder / "unborn").mkdir()
    git(folder / "unborn", "init", "-q", "-b", "main")
    return folder / "unborn"


def misspelt(folder):
    return make_repository(folder / "misspelt", {"adw.toml": '[command]\ntest = "true"\n'})


def based_elsewhere(folder):
    return make_repository(folder / "elsewhere", {"adw.toml": '[project]\nbase = "develop"\n'})


REFUSED = {
    "a folder that is no repository": (no_repository, {}, UsageError, "git"),
    "a path that is not there": (lambda folder: folder / "nowhere", {}, UsageError, "neither"),
    "a repository without a commit": (unborn, {}, UsageError, "commit"),
    "an unknown kind": (make_repository, {"kind": "plan-bild"}, UsageError, "plan-build"),
    "an unknown issue": (make_repository, {"issue_number": 41}, NotFoundError, "41"),
    "nothing to do": (make_repository, {"prompt": "  "}, UsageError, "what to do"),
    "too much text": (make_repository, {"prompt": "x" * 60_001}, UsageError, "longer"),
    "settings that cannot be understood": (misspelt, {}, ConfigurationError, "commands"),
    "a base branch that is not there": (based_elsewhere, {}, UsageError, "develop"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_done_is_refused_with_a_reason(scene, folder, name):
    make, request, kind, word = REFUSED[name]
    place = make(folder / "sample") if make is make_repository else make(folder)
    with pytest.raises(kind) as refused:
        await scene.accept(place, **request)
    assert word in f"{refused.value.message} {refused.value.hint}"
    async with scene.foundation.database.read() as connection:
        assert await list_workflows(connection) == []


async def test_a_closed_issue_is_not_worked_on(scene, repository):
    workflow = await scene.accept(repository)
    await scene.control.cancel(workflow.adw_id, actor="person")
    await (await scene.forge(workflow)).close_issue(workflow.issue_number)
    with pytest.raises(ConflictError, match="closed"):
        await scene.accept(repository, issue_number=workflow.issue_number)


async def test_an_issue_has_one_live_workflow(scene, repository):
    workflow = await scene.accept(repository)
    with pytest.raises(DuplicateRunError) as refused:
        await scene.accept(repository, issue_number=workflow.issue_number)
    assert workflow.adw_id in refused.value.message
    assert workflow.adw_id in refused.value.hint
    await scene.control.cancel(workflow.adw_id, actor="person")
    again = await scene.accept(repository, issue_number=workflow.issue_number)
    assert again.adw_id != workflow.adw_id


async def test_the_same_request_twice_is_one_workflow(scene, repository):
    first = await scene.accept(repository, idempotency_key="k1")
    second = await scene.accept(repository, idempotency_key="k1")
    assert first.adw_id == second.adw_id
    async with scene.foundation.database.read() as connection:
        assert len(await list_workflows(connection)) == 1
