from __future__ import annotations

import pytest
from tests.api.stage import WORKFLOWS, Stage

from adw.store.results import save_artifact


async def test_they_are_listed_and_given_byte_by_byte(stage: Stage):
    adw_id = (await stage.work()).adw_id
    async with stage.database.begin() as connection:
        digest = await save_artifact(
            connection, adw_id=adw_id, name="test/report ü.xml", media_type="text/xml", content=b"\x00<x/>"
        )
    (listed,) = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/artifacts")).json()["artifacts"]
    assert (listed["name"], listed["mediaType"], listed["size"]) == ("test/report ü.xml", "text/xml", 5)
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/artifacts/test/report%20%C3%BC.xml")
    assert answer.content == b"\x00<x/>"
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''report%20%C3%BC.xml"


@pytest.mark.parametrize("kind", ["text/html\r\nX-Evil: 1", "", "html", "text/html; charset=utf-8"])
async def test_what_an_agent_made_is_never_run_by_a_browser(stage: Stage, kind: str):
    adw_id = (await stage.work()).adw_id
    async with stage.database.begin() as connection:
        await save_artifact(connection, adw_id=adw_id, name='a"b', media_type=kind, content=b"<script>")
    answer = await stage.http.get(f'{WORKFLOWS}/{adw_id}/artifacts/a"b')
    assert "x-evil" not in answer.headers
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    expected = kind if kind.endswith("utf-8") else "application/octet-stream"
    assert answer.headers["content-type"] == expected


async def test_a_name_that_does_not_exist_is_not_found(stage: Stage):
    adw_id = (await stage.work()).adw_id
    assert (await stage.http.get(f"{WORKFLOWS}/{adw_id}/artifacts/nothing")).status_code == 404
