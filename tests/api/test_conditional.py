"""What has not changed is not sent again."""

from __future__ import annotations

import pytest
from tests.api.stage import WORKFLOWS, Stage


@pytest.mark.parametrize("path", [WORKFLOWS, "/api/workers", "/api/approvals", "/openapi.json"])
async def test_an_answer_somebody_has_is_not_sent_again(shared: Stage, path: str):
    first = await shared.http.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await shared.http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "no-store"


async def test_one_that_changed_is(stage: Stage):
    workflow = await stage.work()
    first = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}")
    known = {"If-None-Match": first.headers["etag"]}
    assert (await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}", headers=known)).status_code == 304
    await stage.activate(workflow.adw_id)
    again = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}", headers=known)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    assert int(again.headers["content-length"]) == len(again.content)


async def test_refusals_and_streams_have_no_tag(stage: Stage):
    workflow = await stage.work()
    await stage.services.control.cancel(workflow.adw_id, actor="x")
    for path in ("/api/nothing", f"{WORKFLOWS}/{workflow.adw_id}/events/stream", f"{WORKFLOWS}/abcd1234"):
        answer = await stage.http.get(path, headers={"If-None-Match": "*"})
        assert "etag" not in answer.headers
        assert answer.status_code in {200, 404}
