"""Figures for whoever watches the server from outside, and which settings it runs with."""

from __future__ import annotations

import re
from pathlib import Path

from tests.api.stage import TOKEN, WORKFLOWS, Stage

from adw.kit.settings import read_settings


async def samples(stage: Stage) -> dict[str, float]:
    answer = await stage.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    described = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    found = {}
    for line in (line for line in lines if not line.startswith("#")):
        name, value = line.rsplit(" ", 1)
        assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?', name), name
        assert name.partition("{")[0] in described
        found[name] = float(value)
    return found


async def test_they_tell_how_much_there_is_of_what(stage: Stage):
    first = await stage.work()
    await stage.work("Another")
    await stage.activate(first.adw_id)
    found = await samples(stage)
    assert found['adw_workflows{status="queued"}'] == found["adw_queue_length"] == 1
    assert found['adw_workflows{status="active"}'] == 1
    assert found['adw_workflows{status="failed"}'] == 0
    assert found["adw_queue_oldest_seconds"] > 0
    assert found["adw_events_total"] >= 3
    assert found["adw_workers"] == 0
    assert found["adw_cost_usd_total"] == 0
    assert found['adw_notifications{state="open"}'] == found['adw_notifications{state="failed"}'] == 0


async def test_requests_are_counted_by_their_routes_and_not_by_what_was_asked(stage: Stage):
    before = await samples(stage)
    adw_id = (await stage.work()).adw_id
    await stage.http.get(f"{WORKFLOWS}/{adw_id}")
    await stage.http.get(f"{WORKFLOWS}/{adw_id[:6]}")
    await stage.http.get(f"{WORKFLOWS}/nothing")
    await stage.http.get("/nothing/at/all")
    await stage.http.request("ODD", "/nothing")
    found = await samples(stage)

    def more(method: str, route: str, status: int) -> float:
        name = f'adw_http_requests_total{{method="{method}",route="{route}",status="{status}"}}'
        return found.get(name, 0) - before.get(name, 0)

    assert more("GET", f"{WORKFLOWS}/{{adw_id}}", 200) == 2
    assert more("GET", f"{WORKFLOWS}/{{adw_id}}", 404) == 1
    assert more("GET", "(no such route)", 404) == 1
    assert more("OTHER", "(no such route)", 404) == 1
    assert adw_id not in str(found)
    assert TOKEN not in str(found)


async def test_settings_are_told_with_their_origin_and_secrets_are_not(stage: Stage, tmp_path: Path):
    environ = {"GITHUB_TOKEN": "ghp_secret", "PORT": "9000", "DATABASE_URL": "postgresql://u:secret@h/d"}
    stage.app.state.settings = read_settings(environ, data_dir=tmp_path, env_file=None)
    try:
        answer = await stage.http.get("/api/config")
    finally:
        stage.app.state.settings = None
    assert "secret" not in answer.text.replace("webhook_secret", "")
    found = {each["name"]: each for each in answer.json()["settings"]}
    assert found["GITHUB_TOKEN"]["value"] == found["DATABASE_URL"]["value"] == "****"
    assert (found["PORT"]["value"], found["PORT"]["origin"]) == (9000, "environment")
    assert (found["ANTHROPIC_API_KEY"]["value"], found["HOST"]["origin"]) == (None, "default")
