"""The application under review is started by us, photographed, and gone; its pictures reach the reviewer and stay."""

from __future__ import annotations

import base64
import os
import sys

import pytest
from harness import Scene
from repositories import SETTINGS, git, make_repository
from script import adds_farewell, answer, blocks, builds, call, classifies, finding, plans, rule, scenario

from adw.store import phases
from adw.store.results import get_artifact

pytestmark = pytest.mark.runtime("plain")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BROWSER = f"""#!{sys.executable}
import pathlib, sys, urllib.request
given = dict(each.partition("=")[::2] for each in sys.argv if each.startswith("--"))
assert b"farewell" in urllib.request.urlopen(sys.argv[-1]).read()
pathlib.Path(given["--screenshot"]).write_bytes({PNG!r})
"""
RUNS = f'\nrun = "touch left-behind; exec {os.path.realpath(sys.executable)} -m http.server --bind 127.0.0.1 $PORT"\n'


@pytest.fixture
async def scene(folder, nursery, the_model, cluster):
    """A system with a browser on its path."""
    browser = folder / "browsers" / "chromium"
    browser.parent.mkdir()
    browser.write_text(BROWSER)
    browser.chmod(0o755)
    path = f"{browser.parent}:/usr/bin:/bin"
    url = cluster.make_database()
    async with Scene(
        folder, url=url, model=the_model, nursery=nursery, PATH=path, ADW_SANDBOX="auto"
    ).opened() as scene:
        yield scene


@pytest.mark.slow
async def test_a_reviewer_sees_the_running_application(scene, folder):
    looks = blocks(call("Read", file_path="${picture}"))
    found = finding("The page is empty", severity="tech_debt", screenshot_path="${picture}")
    said = {"success": True, "review_summary": "Seen.", "review_issues": [found]}
    reviewer = rule("review", looks, answer(said), role="reviewer", any_text=r"- (?P<picture>/\S+\.png)")
    scene.model.follow(scenario(classifies(), plans(), builds(adds_farewell()), reviewer))
    repository = make_repository(folder / "sample", {"adw.toml": SETTINGS + RUNS})
    scene.fork_worker(impatient=True)
    workflow = await scene.completed((await scene.accept(repository, "plan-build-review")).adw_id)

    name = "review-1-1-frontend.png"
    async with scene.foundation.database.read() as connection:
        picture = await get_artifact(connection, adw_id=workflow.adw_id, name=name)
        rows = await phases.list_phases(connection, workflow.adw_id)
    assert (picture.media_type, picture.content) == ("image/png", PNG)
    data = next(row.data for row in rows if row.phase == "review")
    assert [each["screenshot"] for each in data["findings"]] == [name]
    results = [each for each in await scene.events(workflow.adw_id, "agent_tool_result") if each.phase == "review"]
    assert not results[0].data.get("isError"), results[0].message
    assert "left-behind" not in git(repository, "ls-tree", "-r", "--name-only", workflow.branch_name)
    await scene.nothing_survives()
