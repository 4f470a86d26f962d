"""The whole job on GitHub: from an issue to a pull request that people and checks speak about, and its merge."""

from __future__ import annotations

import subprocess

import pytest
from harness import Scene
from repositories import SETTINGS, git, make_repository
from script import adds_farewell, builds, classifies, documents, plans, reviews, scenario

from adw.forge.github_stand_in import StandIn
from adw.kit.postgres import find_binaries

pytestmark = pytest.mark.runtime("plain")

TOKEN = "ghp_" + "s3cr3tForTheStandIn0" * 2
SHOP = "ada/shop"


@pytest.fixture
def github(folder):
    """A GitHub with ada, who owns a shop, our own account, which may write there, and eve, who may not."""
    with StandIn(folder=folder / "github").serve() as github:
        github.add_user("ada", token="ada-token")
        github.add_user("adw-bot", token=TOKEN)
        github.add_user("eve", token="eve-token")
        repository = make_repository(folder / "seed", {"adw.toml": SETTINGS + "\n[triggers]\nzte = true\n"})
        github.add_repository(SHOP, git_from=repository)
        github.grant(SHOP, "ada", "admin")
        github.grant(SHOP, "adw-bot", "write")
        yield github


@pytest.fixture
async def scene(folder, nursery, the_model, cluster, runtime, github):
    url = cluster.make_database()
    variables = {
        "GITHUB_API_URL": github.api_url,
        "GITHUB_SERVER_URL": github.server_url,
        "GITHUB_TOKEN": TOKEN,
        "ADW_AGENT_RUNTIME": runtime,
        "ADW_SANDBOX": "auto",
    }
    async with Scene(folder, url=url, model=the_model, nursery=nursery, **variables).opened() as scene:
        yield scene


def whole_way():
    return scenario(classifies(), plans(), builds(adds_farewell()), reviews(), documents())


async def test_an_issue_becomes_a_ready_pull_request_and_the_token_is_nowhere(scene, github, cluster):
    scene.model.follow(whole_way())
    issue = github.add_issue(SHOP, title="Say farewell", body="People go.", author="ada")
    scene.fork_worker()
    workflow = await scene.completed((await scene.accept(SHOP, "sdlc", issue_number=issue)).adw_id)
    assert (workflow.phase, workflow.pr_state) == ("shipped", "ready")
    forge = await scene.forge(workflow)
    pull = await forge.get_pull_request(workflow.pr_number)
    assert (pull.state, pull.head_sha, pull.author) == ("ready", workflow.head_sha, "adw-bot")
    assert f"Closes #{issue}" in pull.body
    assert "tests and review on the head commit" in pull.body
    files = git(github.bare_path(SHOP), "ls-tree", "-r", "--name-only", pull.head_branch).splitlines()
    assert workflow.plan_file in files
    said = [comment.body for comment in await forge.list_comments(issue)]
    assert len(said) == 2, "the status, and that it is ready"
    leaks(scene, TOKEN)


async def test_zte_merges_on_github_and_leaves_nothing(scene, github):
    scene.model.follow(whole_way())
    issue = github.add_issue(SHOP, title="Say farewell", body="People go.", author="ada")
    scene.fork_worker()
    workflow = await scene.completed((await scene.accept(SHOP, "zte", issue_number=issue)).adw_id)
    assert (workflow.phase, workflow.pr_state) == ("shipped", "merged")
    bare = github.bare_path(SHOP)
    assert git(bare, "rev-parse", "main") == workflow.merge_sha
    assert "farewell.txt" in git(bare, "ls-tree", "--name-only", "main")
    refs = git(bare, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == ["refs/heads/main", f"refs/pull/{workflow.pr_number}/head"]
    forge = await scene.forge(workflow)
    assert (await forge.get_issue(issue)).state == "closed"
    assert not workflow.worktree_exists


def leaks(scene, secret):
    """Raises when the secret is in any file of the data directory or in any row of the database."""
    found = subprocess.run(
        ["grep", "-rlaF", "--", secret, str(scene.folder / "data"), *map(str, scene.folder.glob("*.log"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
    program = find_binaries().bin_dir / "pg_dump"
    dump = subprocess.run([program, "--dbname", scene.url], capture_output=True, check=True)
    assert secret.encode() not in dump.stdout
