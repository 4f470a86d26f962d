from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError
from tests.forge.local.conftest import LocalStage
from tests.forge.stage import open_pull

from adw.domain.forge import ForgeCapabilities
from adw.domain.project import ForgeKind
from adw.forge.local.forge import LocalForge
from adw.forge.local.git_repository import GitLocalRepository
from adw.kit.errors import NotFoundError, UsageError
from adw.store import local_forge
from adw.store.tables.local_forge import comments, issues, pull_requests, reviews


async def test_a_larger_transaction_that_fails_takes_the_issue_and_its_number_back(stage: LocalStage) -> None:
    async with stage.engine.connect() as connection:
        made = await local_forge.create_issue(connection, project_id=stage.project_id, title="t", body="", author="ada")
        await connection.rollback()
    assert made.number == 1
    assert (await stage.forge.create_issue(title="t", body="", key=None)).number == 1


async def test_projects_do_not_see_each_other(stage: LocalStage) -> None:
    issue = await stage.forge.create_issue(title="mine", body="", key="k")
    comment = await stage.forge.create_comment(issue.number, body="x", key="k")
    other = LocalForge(
        stage.engine.begin,
        project_id=f"{stage.project_id}-other",
        repository=GitLocalRepository(bare=stage.bare),
    )
    assert await other.list_issues(state=None) == []
    for attempt in (
        other.get_issue(issue.number),
        other.list_comments(issue.number),
        other.update_comment(comment.id, body="taken over"),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    theirs = await other.create_issue(title="theirs", body="", key="k")
    assert (theirs.number, theirs.title) == (1, "theirs")


async def test_only_squash_is_offered(stage: LocalStage) -> None:
    pull = await open_pull(stage)
    method: Any = "rebase"
    with pytest.raises(UsageError, match="rebase"):
        await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x", method=method)


def test_the_local_forge_says_what_it_can_do(stage: LocalStage) -> None:
    assert stage.forge.capabilities == ForgeCapabilities(
        kind=ForgeKind.LOCAL,
        has_checks=False,
        has_web_pages=False,
        can_approve_own=True,
        can_mark_draft=True,
        max_title_chars=256,
        max_body_chars=65_536,
    )


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (issues, {"state": "weird"}),
        (issues, {"state": "closed"}),
        (issues, {"number": 0}),
        (pull_requests, {"state": "weird"}),
        (pull_requests, {"state": "merged", "closed_at": text("now()")}),
        (pull_requests, {"state": "closed"}),
        (pull_requests, {"merge_sha": "abc"}),
        (reviews, {"state": "weird"}),
        (reviews, {"comments": {}}),
        (reviews, {"number": 77}),
    ],
)
async def test_the_database_refuses_impossible_rows(stage: LocalStage, table: Any, values: dict[str, Any]) -> None:
    pull = await open_pull(stage)
    await stage.forge.create_issue(title="t", body="", key=None)
    await stage.forge.add_review(pull.number, state="approved", body="", key=None)
    with pytest.raises(IntegrityError):
        async with stage.engine.begin() as connection:
            await connection.execute(update(table).where(table.c.project_id == stage.project_id).values(**values))


async def test_the_database_refuses_a_second_open_pull_request_of_a_branch(stage: LocalStage) -> None:
    await open_pull(stage)
    row = {
        "project_id": stage.project_id,
        "number": 2,
        "title": "t",
        "body": "",
        "state": "ready",
        "head_branch": "work",
        "head_sha": "a",
        "base": "main",
        "author": "ada",
    }
    with pytest.raises(IntegrityError, match="uq_pull_requests_open_head"):
        async with stage.engine.begin() as connection:
            await connection.execute(insert(pull_requests).values(**row))


async def test_the_database_refuses_a_second_comment_of_a_key(stage: LocalStage) -> None:
    issue = await stage.forge.create_issue(title="t", body="", key=None)
    await stage.forge.create_comment(issue.number, body="x", key="k")
    row = {"project_id": stage.project_id, "number": issue.number, "body": "x", "author": "ada", "key": "k"}
    with pytest.raises(IntegrityError):
        async with stage.engine.begin() as connection:
            await connection.execute(insert(comments).values(**row))
