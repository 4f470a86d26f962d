"""A label on GitHub, and everything that follows until a person merges: the server as people start it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import urllib.request

import pytest
from harness import Scene, until
from repositories import SETTINGS, git, make_repository
from script import adds_farewell, answer, builds, classifies, documents, plans, reviews, rule, scenario, write

from adw.forge.github_stand_in import StandIn
from adw.store.workflows import list_workflows

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.slow]

SHOP, TOKEN, SECRET = "ada/shop", "ghp_" + "s3cr3tForTheStandIn0" * 2, "hook secret"
MENDED = {
    "summary": "It is polite now.",
    "commit_message": "Be polite",
    "answers": [{"item": number, "outcome": "done", "reply": f"Done, item {number}."} for number in (1, 2, 3)],
}


@pytest.fixture
def github(folder):
    with StandIn(folder=folder / "github").serve() as github:
        github.add_user("ada", token="ada-token")
        github.add_user("adw-bot", token=TOKEN)
        repository = make_repository(folder / "seed", {"adw.toml": SETTINGS})
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
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "ADW_AGENT_RUNTIME": runtime,
        "ADW_SANDBOX": "auto",
        "PORT": str(free_port()),
    }
    async with Scene(folder, url=url, model=the_model, nursery=nursery, **variables).opened() as scene:
        with served(scene):
            yield scene


@contextlib.contextmanager
def served(scene):
    log = (scene.folder / "server.log").open("ab")
    command = [sys.executable, "-m", "adw.cli.main", "serve"]
    with log, subprocess.Popen(command, env=scene.env, stdout=log, stderr=log) as process:
        try:
            until(lambda: is_up(scene), "the server answers")
            yield
        finally:
            process.terminate()
            process.wait(30)


def is_up(scene):
    try:
        with urllib.request.urlopen(f"{address(scene)}/health") as answered:
            return answered.status == 200
    except OSError:
        return False


def address(scene):
    return f"http://127.0.0.1:{scene.env['PORT']}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def the_workflow(scene):
    async with scene.foundation.database.read() as connection:
        found = await list_workflows(connection)
    assert len(found) <= 1
    return found[0] if found else None


async def test_a_label_a_red_check_two_remarks_a_moved_base_and_a_persons_merge(scene, github):
    mends = rule(
        "mend",
        write("${cwd}/farewell.txt", "farewell, friend\n"),
        answer(MENDED),
        role="implementor",
        any_text="This is round",
    )
    scene.model.follow(scenario(classifies(), plans(), mends, builds(adds_farewell()), reviews(), documents()))
    await scene.foundation.intake.open_project(SHOP)
    github.protect(SHOP, "main", checks=["ci"], strict=True)
    github.add_hook(SHOP, f"{address(scene)}/webhooks/github", secret=SECRET)
    issue = github.add_issue(SHOP, title="Say farewell", body="People go.", author="ada")
    github.label(SHOP, issue, "adw:sdlc", by="ada")

    workflow = await scene.eventually(lambda: the_workflow(scene), "work has begun")
    workflow = await scene.completed(workflow.adw_id)
    assert (workflow.workflow_type, workflow.issue_number, workflow.pr_state) == ("sdlc", issue, "ready")
    number, first = workflow.pr_number, workflow.head_sha

    github.push(SHOP, "main", {"news.txt": "the shop is open\n"}, by="ada")
    github.thread(SHOP, number, path="farewell.txt", line=1, body="Please be kinder.", by="ada")
    github.thread(SHOP, number, path="farewell.txt", line=1, body="Why not goodbye?", by="ada")
    github.set_check(SHOP, first, "ci", "failure", log="checks/polite.sh: FAILED\nexpected friend\n")

    async def is_answered():
        now = await scene.workflow(workflow.adw_id)
        threads = await (await scene.forge(now)).list_threads(number)
        return now if now.status == "completed" and all(each.is_resolved for each in threads) else None

    workflow = await scene.eventually(is_answered, "everything is answered")
    bare = github.bare_path(SHOP)
    second = workflow.head_sha
    assert second != first
    assert git(bare, "rev-parse", workflow.branch_name) == second
    threads = await (await scene.forge(workflow)).list_threads(number)
    assert [each.comments[-1].author for each in threads] == ["adw-bot", "adw-bot"]

    github.set_check(SHOP, second, "ci", "success")

    async def is_up_to_date():
        now = await scene.workflow(workflow.adw_id)
        return now if now.status == "completed" and now.head_sha != second else None

    workflow = await scene.eventually(is_up_to_date, "the base is in it")
    assert "news.txt" in git(bare, "ls-tree", "--name-only", workflow.head_sha).splitlines()

    github.set_check(SHOP, workflow.head_sha, "ci", "success")
    github.merge(SHOP, number, by="ada")

    async def is_over():
        now = await scene.workflow(workflow.adw_id)
        return now if now.pr_state == "merged" and not now.worktree_exists else None

    merged = await scene.eventually(is_over, "the merge is noticed")
    assert merged.merge_sha == git(bare, "rev-parse", "main")
    assert "farewell.txt" in git(bare, "ls-tree", "--name-only", "main")
    assert github.issue(SHOP, issue).state == "closed"

    async def is_tidy():
        return git(bare, "for-each-ref", "--format=%(refname)").split() == [
            "refs/heads/main",
            f"refs/pull/{number}/head",
        ]

    await scene.eventually(is_tidy, "nothing of ours is left there")
