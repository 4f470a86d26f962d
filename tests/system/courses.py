"""Ways a piece of work can take, chosen so that together they take every step there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from repositories import SETTINGS, commit, git, write_files
from script import (
    BUILT,
    PAGE,
    PLAN,
    adds_farewell,
    answer,
    blocks,
    builds,
    call,
    classifies,
    documents,
    finding,
    patches,
    plans,
    repairs,
    reviews,
    rule,
    scenario,
    write,
)
from watch import Watch

from adw.domain.forge import ReviewComment
from adw.domain.workflow import WorkflowOptions

Act = Callable[..., Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Course:
    """`acts` are what people do each time the work has come to rest; `copies` share the deaths among them."""

    name: str
    script: Any
    kind: str
    ends: tuple[str, str | None]
    """Status and state of the pull request."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    options: WorkflowOptions = field(default_factory=WorkflowOptions)
    acts: tuple[Act, ...] = ()
    copies: int = 1


async def allows(scene, workflow, repository):
    await scene.control.decide(workflow.adw_id, allow=True, actor="ann")


async def takes_over(scene, workflow, repository):
    """Takes the worktree, changes the plan there, and hands it back."""
    taken = await scene.foundation.steering.takeover(workflow.adw_id, actor="ann")
    (taken.path / workflow.plan_file).write_text(f"{PLAN}3. Tell ann.\n")
    await scene.foundation.steering.handback(workflow.adw_id, actor="ann", message="Tell ann")


async def commits_and_allows(scene, workflow, repository):
    """Leaves a commit of her own on the branch."""
    git(repository, "checkout", "-q", workflow.branch_name)
    (repository / "note.txt").write_text("seen by ann\n")
    git(repository, "add", "note.txt")
    git(repository, "commit", "-q", "-m", "Leave a note")
    git(repository, "checkout", "-q", "main")
    await allows(scene, workflow, repository)


async def builds_again(scene, workflow, repository):
    steering = scene.foundation.steering
    await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann", discard_foreign=True)


async def asks_for_more(scene, workflow, repository):
    """Wants something changed on the pull request, after the base has moved against it."""
    forge = await scene.forge(workflow)
    wish = ReviewComment(path="farewell.txt", line=1, body="Please be kinder.")
    await forge.add_review(
        workflow.pr_number, state="changes_requested", body="", key=None, author="ann", comments=[wish]
    )
    write_files(repository, {"farewell.txt": "goodbye\n"})
    commit(repository, "Say goodbye")
    await Watch(scene).look(workflow, alone=True)


def judges(number, **said):
    """What the reviewer says in a round, also when its conversation is broken off and goes on."""
    result = {"review_summary": "The change was read.", **said}
    return rule("review", answer(result), role="reviewer", any_text=f"This is round {number}\\.")


LINTED = {
    "lint.sh": "! grep -l wrong *.txt | sed 's/$/:1:1: error: is wrong/' | grep .\n",
    "adw.toml": SETTINGS + 'lint = "sh lint.sh"\nrun = "exit 1"\n\n[triggers]\nzte = true\n',
}
JOINED = {"summary": "Both are said.", "commit_message": "Keep both farewells"}
RESPONSE = {
    "summary": "It is kinder now.",
    "commit_message": "Be kinder",
    "answers": [{"item": 1, "outcome": "done", "reply": "It is kinder now."}],
}
RUDE = finding("farewell.txt: the farewell is rude")
LIES = f"{PAGE}\nThe names of people are in `checks/people.sh`.\n"
CUSTOM = """
[workflows.stamped]
phases = ["stamp", "ask", "translate"]
[phases.stamp]
command = { run = "echo stamped > stamp.txt", timeout_s = 20 }
[phases.ask]
prompt = "ask.md"
[phases.translate]
prompt = "translate.md"
"""

COURSES = (
    Course(
        name="the whole way",
        kind="zte",
        ends=("completed", "merged"),
        script=scenario(classifies(), plans(), builds(adds_farewell()), reviews(), documents()),
        files={"adw.toml": SETTINGS + "\n[triggers]\nzte = true\n\n[gates]\nship_approval = true\n"},
        options=WorkflowOptions(plan_approval=True),
        acts=(allows, allows),
        copies=5,
    ),
    Course(
        name="everything is mended",
        copies=4,
        kind="sdlc",
        ends=("completed", "ready"),
        script=scenario(
            classifies(),
            plans(),
            rule(
                "mend", write("${cwd}/parting.txt", "right\n"), answer(BUILT), role="implementor", any_text="is wrong"
            ),
            builds(
                adds_farewell(),
                blocks(
                    call("Write", file_path="${cwd}/parting.txt", content="wrong\n"),
                    call("Write", file_path="${cwd}/greeting.txt", content="bye\n"),
                ),
            ),
            repairs(write("${cwd}/greeting.txt", "hello again\n")),
            judges(2, success=True, review_issues=[]),
            patches(write("${cwd}/polite.txt", "dear guest\n")),
            judges(1, success=False, review_issues=[RUDE]),
            documents(blocks(call("Read", file_path="${cwd}/${page_path}")), told=r"do not exist: `checks/people\.sh`"),
            documents(text=LIES),
        ),
        files=LINTED,
    ),
    Course(
        name="people join in",
        copies=4,
        kind="plan-build-test",
        ends=("completed", "ready"),
        script=scenario(classifies(), plans(), builds(adds_farewell())),
        options=WorkflowOptions(plan_approval=True),
        acts=(takes_over, commits_and_allows, builds_again),
    ),
    Course(
        name="a round on the pull request",
        copies=3,
        kind="plan-build-test",
        ends=("completed", "ready"),
        script=scenario(
            classifies(),
            plans(),
            rule("join", write("${cwd}/farewell.txt", "goodbye\nfarewell\n"), answer(JOINED), role="resolver"),
            rule(
                "respond",
                write("${cwd}/farewell.txt", "goodbye, dear\nfarewell\n"),
                answer(RESPONSE),
                role="implementor",
                any_text="This is round",
            ),
            builds(adds_farewell()),
        ),
        acts=(asks_for_more,),
    ),
    Course(
        name="it fails",
        kind="plan-build-test",
        ends=("failed", "draft"),
        script=scenario(classifies(), plans(), builds(adds_farewell(), write("${cwd}/greeting.txt", "bye\n"))),
        options=WorkflowOptions(auto_resolve=False),
    ),
    Course(
        name="phases of the repository",
        copies=4,
        kind="stamped",
        ends=("completed", "draft"),
        script=scenario(
            classifies(),
            rule("ask", answer(BUILT), role="specialist", any_text="Is it polite"),
            rule("translate", write("${cwd}/adieu.txt", "adieu\n"), answer(BUILT), role="specialist"),
        ),
        files={"adw.toml": SETTINGS + CUSTOM, "ask.md": "Is it polite?", "translate.md": "Say it in French."},
    ),
)
