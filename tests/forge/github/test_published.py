"""What we ask is what GitHub's own description of its interface allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.corpora.npm import OPENAPI, published
from tests.corpora.openapi import Description, Watch
from tests.forge.github.effects import EFFECTS, Scene
from tests.forge.github.stage import OURS, OWNER, GitHubStage, connect

from adw.forge.github import GitHubForge
from adw.forge.github_stand_in import StandIn
from adw.store.db import Database


async def test_every_request_of_ours_keeps_to_githubs_description(
    request: pytest.FixtureRequest, tmp_path: Path, shared_database: Database
):
    watch = Watch(Description.read(published(OPENAPI, request.config.cache)))
    with StandIn(folder=tmp_path, observe=watch.see).serve() as stand_in:
        token = stand_in.add_user(OURS)
        async with connect(stand_in, shared_database, token=token) as github:
            for count, (name, effect) in enumerate(EFFECTS.items()):
                stand_in.add_repository(f"{OWNER}/p{count}")
                stand_in.grant(f"{OWNER}/p{count}", OURS, "admin")
                forge = github.forge(f"{OWNER}/p{count}")
                stage = GitHubStage(
                    stand_in=stand_in,
                    database=shared_database,
                    full_name=f"{OWNER}/p{count}",
                    github=github,
                    forge=forge,
                    token=token,
                )
                scene = Scene(stage=stage, forge=forge)
                about = await effect.prepare(scene)
                await effect.act(scene, about)
                assert await effect.seen(scene, about) == effect.wanted, name
            await _read(forge, stage)
            await github.changes(stage.full_name, (await github.changes(stage.full_name, None)).cursor)
    assert watch.complaints == []
    assert len({template for _, template, _ in watch.seen}) >= 25


async def _read(forge: GitHubForge, stage: GitHubStage) -> None:
    """What no effect asks for."""
    sha = await stage.commit("read", {"a": "b"})
    stage.stand_in.set_check(stage.full_name, sha, "scan", "failure", summary="one", app="scanner")
    stage.stand_in.set_check(stage.full_name, sha, "ci", "failure", log="broke")
    stage.stand_in.protect(stage.full_name, "main", checks=["ci"], approvals=1)
    for check in await forge.list_checks(sha):
        assert await forge.check_log(check)
    assert (await forge.branch_rules("main")).is_protected
    assert not await forge.find_merge_on_base(sha=sha, base="main")
    assert (await forge.permission_of(OURS)).value == "admin"
    pull = await forge.ensure_pull_request(head="read", base="main", title="t", body="", draft=False, key=None)
    assert await forge.diff(pull.number)
    assert await forge.list_pull_requests(state="all")
