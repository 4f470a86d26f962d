"""Repositories as people have them: tests that fail or waver already, none at all, odd names, bare, huge."""

from __future__ import annotations

import pytest
from repositories import commit, git, make_repository, write_files
from script import adds_farewell, blocks, call, straight

from adw.domain.phase import GateOutcome

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


async def test_a_test_that_fails_on_the_base_is_not_ours(system, folder):
    repository = make_repository(folder / "sample", {"checks/broken.sh": "echo always; exit 1\n"})
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    tests = (await system.evidence(workflow.adw_id))["tests"]
    assert (workflow.pr_state, tests.outcome) == ("ready", GateOutcome.PASSED)
    assert "2 tests passed, 1 failed as on the base" in tests.summary
    assert [name.rpartition("::")[2] for name in tests.data["preexisting"]] == ["broken"]
    assert system.model.conversations("resolver") == 0


async def test_a_test_that_wavers_on_the_base_blocks_nobody(system, folder):
    """The command fails on the base, passes when repeated there, and fails on the work."""
    wavers = f"""
n=$(cat {folder}/count 2>/dev/null || echo 0)
echo $((n + 1)) > {folder}/count
[ $n -ne 0 ] && [ $n -ne 2 ]
"""
    settings = '[commands]\nsetup = false\ntest = "sh wavers.sh"\n'
    repository = make_repository(folder / "sample", {"adw.toml": settings, "wavers.sh": wavers})
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    assert workflow.pr_state == "ready"
    assert system.model.conversations("resolver") == 0
    assert (folder / "count").read_text().strip() >= "3"


async def test_a_test_that_wavers_only_now_is_repeated_and_told(system, folder):
    wavers = f"""
n=$(cat {folder}/count 2>/dev/null || echo 0)
echo $((n + 1)) > {folder}/count
[ $n -ne 1 ]
"""
    settings = '[commands]\nsetup = false\ntest = "sh wavers.sh"\n'
    repository = make_repository(folder / "sample", {"adw.toml": settings, "wavers.sh": wavers})
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    tests = (await system.evidence(workflow.adw_id))["tests"]
    assert (workflow.pr_state, tests.outcome) == ("ready", GateOutcome.PASSED)
    assert tests.data["flaky"]
    assert system.model.conversations("resolver") == 0
    assert (folder / "count").read_text() == "4\n"


@pytest.mark.parametrize("test", ["test = false", 'test = { run = "sh run-tests.sh", junit = "build/report.xml" }'])
async def test_no_tests_are_said_and_not_called_passed(system, folder, test):
    settings = f"[commands]\nsetup = false\n{test}\n"
    repository = make_repository(folder / "sample", {"adw.toml": settings, "checks/greets.sh": None})
    system.model.follow(straight(build=[blocks(call("Write", file_path="${cwd}/farewell.txt", content="farewell\n"))]))
    workflow = await system.completed((await system.accept(repository)).adw_id)
    tests = (await system.evidence(workflow.adw_id))["tests"]
    assert tests.outcome is GateOutcome.NOT_APPLICABLE
    assert "no tests" in tests.summary
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert "| not applicable |" in pull.body
    assert "Not applicable: tests" in pull.body
    assert workflow.pr_state == "ready"


async def test_tests_that_cannot_run_on_the_base_prove_nothing(system, folder):
    repository = make_repository(folder / "sample", {"run-tests.sh": "echo broken; exit 1\n"})
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    tests = (await system.evidence(workflow.adw_id))["tests"]
    assert tests.outcome is GateOutcome.NOT_APPLICABLE
    assert "cannot run on the base" in tests.summary


async def test_spaces_and_letters_of_all_kinds_are_names(system, folder):
    odd = {"naïve ordner/grüße 日本.txt": "hello\n", "checks/ein test.sh": "ls 'naïve ordner'/*\n"}
    repository = make_repository(folder / "mein projekt é 项目", odd, branch="hauptzweig/größe")
    build = [adds_farewell(), blocks(call("Write", file_path="${cwd}/naïve ordner/adiós ñ.txt", content="adiós\n"))]
    system.model.follow(straight(build=build))
    workflow = await system.completed(
        (await system.accept(repository, prompt="Sag „auf Wiedersehen“ 👋\n\nBitte.")).adw_id
    )
    assert (workflow.pr_state, workflow.base_branch) == ("ready", "hauptzweig/größe")
    names = git(repository, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", workflow.branch_name)
    assert "naïve ordner/adiós ñ.txt" in names
    assert git(repository, "show", f"{workflow.branch_name}:naïve ordner/adiós ñ.txt") == "adiós"


async def test_the_base_is_what_the_repository_calls_its_own(system, folder):
    repository = make_repository(folder / "sample", branch="trunk")
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository, "plan")).adw_id)
    assert workflow.base_branch == "trunk"
    assert git(repository, "rev-parse", f"{workflow.branch_name}~1") == git(repository, "rev-parse", "trunk")


async def test_a_bare_repository_is_a_project(system, repository, folder):
    git(folder, "clone", "-q", "--bare", str(repository), str(folder / "bare.git"))
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(folder / "bare.git")).adw_id)
    assert workflow.pr_state == "ready"
    assert git(folder / "bare.git", "rev-parse", workflow.branch_name) == workflow.head_sha


async def test_commits_nobody_pushed_are_the_base_all_the_same(system, repository, folder):
    git(folder, "clone", "-q", str(repository), str(folder / "clone"))
    write_files(folder / "clone", {"more.txt": "more\n"})
    commit(folder / "clone", "More, not pushed")
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(folder / "clone", "plan")).adw_id)
    assert workflow.base_sha == git(folder / "clone", "rev-parse", "main")
    assert workflow.branch_name not in git(repository, "branch", "--list")


@pytest.mark.slow
async def test_five_thousand_files_are_no_hindrance(system, folder):
    many = {f"data/{number // 200:03}/{number:05}.txt": f"{number}\n" for number in range(5_000)}
    repository = make_repository(folder / "sample", many)
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id, timeout_s=100)
    assert workflow.pr_state == "ready"
    assert len(git(repository, "ls-tree", "-r", "--name-only", workflow.branch_name).splitlines()) > 5_000
