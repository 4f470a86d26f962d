"""What is secret in a worker's environment stays there: neither agents nor the project's commands see it."""

from __future__ import annotations

import pytest
from harness import Scene
from repositories import make_repository
from script import adds_farewell, shell, straight

PLANTED = {
    "GITHUB_TOKEN": "planted-forge",
    "ADW_API_TOKEN": "planted-api",
    "R2_SECRET_ACCESS_KEY": "planted-storage",
    "ANTHROPIC_API_KEY": "planted-model",
    "ANTHROPIC_AUTH_TOKEN": "planted-bearer",
    "CLAUDE_CODE_OAUTH_TOKEN": "planted-subscription",
    "GITHUB_APP_ID": "7",
    "GITHUB_APP_PRIVATE_KEY": "-----BEGIN KEY-----\\nplanted-app",
    "GITHUB_WEBHOOK_SECRET": "planted-hook",
    "ERROR_WEBHOOK_URL": "http://127.0.0.1:9/planted-webhook",
    "AWS_SECRET_ACCESS_KEY": "planted-cloud",
}


@pytest.fixture
async def guarded(folder, nursery, the_model, cluster):
    url = cluster.make_database() + "&application_name=planted-database"
    scene = Scene(folder, url=url, model=the_model, nursery=nursery, **PLANTED)
    async with scene.opened():
        scene.start_worker()
        yield scene


async def test_no_secret_of_ours_reaches_agents_or_project_commands(guarded, folder):
    dumps = {
        where: f"env > {folder}/{where}.env; cat /proc/self/environ > {folder}/{where}.raw"
        for where in ("setup", "test", "agent")
    }
    settings = (
        f'[commands]\nsetup = "{dumps["setup"]}"\ntest = "{dumps["test"]}"\n[env]\nset = {{ GREETING = "hello" }}\n'
    )
    repository = make_repository(folder / "sample", {"adw.toml": settings})
    guarded.model.follow(straight(build=[shell(dumps["agent"]), adds_farewell()]))
    workflow = await guarded.completed((await guarded.accept(repository)).adw_id)
    assert workflow.pr_state == "ready"
    for where in dumps:
        seen = (folder / f"{where}.env").read_text()
        assert "planted" not in seen
        assert "planted" not in (folder / f"{where}.raw").read_text()
        names = {line.partition("=")[0] for line in seen.splitlines()}
        assert "DATABASE_URL" not in names
        assert {"PATH", "GREETING", "BACKEND_PORT"} <= names
        if where != "agent":
            ours = ("ADW_", "ANTHROPIC_", "CLAUDE", "GITHUB_", "R2_")
            assert not [name for name in names if name.startswith(ours)]
    # the log keeps them to itself as well
    assert "planted" not in guarded.told()
