from __future__ import annotations

import asyncio
import hashlib

import pytest

from adw.kit.errors import NotFoundError
from adw.store import results


@pytest.fixture
async def workflow(make_workflow):
    return await make_workflow()


async def test_an_artifact_is_kept_whole_and_replaced_by_its_name(database, workflow):
    content = bytes(range(256)) * 10
    async with database.begin() as connection:
        for each in (b"old", content):
            digest = await results.save_artifact(
                connection, adw_id=workflow.adw_id, name="tests.json", media_type="application/json", content=each
            )
        kept = await results.get_artifact(connection, adw_id=workflow.adw_id, name="tests.json")
        (listed,) = await results.list_artifacts(connection, workflow.adw_id)
        with pytest.raises(NotFoundError, match="no artifact 'other'"):
            await results.get_artifact(connection, adw_id=workflow.adw_id, name="other")
    assert kept.content == content
    assert kept.sha256 == digest == listed.sha256 == hashlib.sha256(content).hexdigest()
    assert (listed.name, listed.size, listed.media_type) == ("tests.json", len(content), "application/json")


async def test_the_first_baseline_of_a_commit_stands(database, workflow):
    key = {"project_id": workflow.project_id, "commit": "c1", "config_hash": "h"}
    async with database.begin() as connection:
        assert await results.get_baseline(connection, **key) is None
        await results.save_baseline(connection, **key, result={"tests": None, "output": "a\0b"})
        await results.save_baseline(connection, **key, result={"tests": "later"})
        assert await results.get_baseline(connection, **key) == {
            "tests": None,
            "output": "a\N{REPLACEMENT CHARACTER}b",
        }
        assert await results.get_baseline(connection, **(key | {"config_hash": "other"})) is None


async def test_an_effect_is_intended_before_and_its_result_found_after(database, workflow):
    async def intend():
        async with database.begin() as connection:
            return await results.intend_effect(connection, key="k", adw_id=workflow.adw_id, kind="pull_request")

    assert await asyncio.gather(intend(), intend()) == [None, None]
    async with database.begin() as connection:
        await results.confirm_effect(connection, key="k", result={"number": 3})
    assert await intend() == {"number": 3}
