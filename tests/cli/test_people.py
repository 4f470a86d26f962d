"""What people see of held and waiting workflows, and how they answer: the commands against a server in this process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.api.stage import TOKEN
from tests.cli.conftest import clean_environ
from tests.client.conftest import Live, live, template

from adw.cli.main import run
from adw.cli.server.fingerprint import fingerprint
from adw.cli.server.record import record_of_this_process, write_record
from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.kit.errors import ExitCode
from adw.kit.paths import DataPaths
from adw.kit.settings import read_settings
from adw.store import approvals, phases

__all__ = ["live", "template"]

QUESTIONS = {
    ApprovalKind.SHIP: ("approval", "pull request #3 is proven on 0a1b2c3d4e5f; merge it?"),
    ApprovalKind.CONFLICT: (
        "question",
        (
            "commit 0a1b2c3d4e5f, which somebody else put on bug-7, and the workflow's own work change the lines of "
            "a\x1b[2J.py. Solve it in the worktree, or change that commit and allow another try?"
        ),
    ),
}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Adw = Callable[..., Awaitable[Said]]


@pytest.fixture
def adw(live: Live, tmp_path, monkeypatch, capsys) -> Adw:
    """Runs a command beside the server it finds in its data directory."""
    import os

    for name in set(os.environ) - set(clean_environ()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADW_DATA_DIR", str(tmp_path / "mine"))
    paths = DataPaths(tmp_path / "mine").ensure()
    same = fingerprint(read_settings(os.environ), key=TOKEN)
    write_record(paths.server_file, record_of_this_process(url=live.url, token=TOKEN, fingerprint=same))

    async def call(*words: str) -> Said:
        code = await asyncio.to_thread(run, words)
        out, err = capsys.readouterr()
        return Said(int(code), out, err)

    return call


async def waiting(live: Live, kind: ApprovalKind) -> Workflow:
    reason, question = QUESTIONS[kind]
    adw_id = (await live.stage.work(budget_usd=Decimal(1))).adw_id
    await live.stage.activate(adw_id)
    async with live.stage.database.begin() as connection:
        await approvals.ask(connection, adw_id=adw_id, kind=kind, key="k", question=question, data={})
    return await live.stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason=reason)


async def test_what_an_agent_wants_to_know_is_answered_in_words(live: Live, adw: Adw):
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    async with live.stage.database.begin() as connection:
        await approvals.ask(
            connection, adw_id=adw_id, kind=ApprovalKind.QUESTION, key="q", question="Which zone?", data={}
        )
    shown = await adw("approval", "list")
    assert "Which zone?" in shown.out + shown.err
    [command] = re.findall(r"adw (approval answer [0-9a-f]{8})", shown.out + shown.err)
    refused = await adw(*command.replace("answer", "allow").split())
    assert "approval answer" in refused.err
    answered = await adw(*command.split(), "Berlin")
    assert answered.err == f"question allowed; workflow {adw_id} is active\n"


async def test_a_call_of_an_agent_is_shown_with_its_input_and_allowed_with_another(live: Live, adw: Adw, tmp_path):
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    async with live.stage.database.begin() as connection:
        asked, _ = await approvals.ask(
            connection,
            adw_id=adw_id,
            kind=ApprovalKind.TOOL,
            key="t",
            question="May the planner use Bash: deploy\x1b[2J now",
            data={"tool": "Bash", "input": {"command": "deploy\x1b[2J now"}},
        )
    shown = await adw("approval", "list")
    assert "input: {" in shown.out + shown.err
    assert "\x1b" not in shown.out + shown.err
    assert f"adw approval allow {str(asked.id)[:8]} --input FILE" in shown.out + shown.err
    (tmp_path / "input.json").write_text('["deploy"]')
    allow = ("approval", "allow", str(asked.id), "--input", str(tmp_path / "input.json"))
    assert "JSON object" in (await adw(*allow)).err
    (tmp_path / "input.json").write_text('{"command": "deploy later"')
    assert "is no JSON" in (await adw(*allow)).err
    (tmp_path / "input.json").write_text('{"command": "deploy later"}')
    assert (await adw(*allow)).err == f"tool allowed; workflow {adw_id} is active\n"
    async with live.stage.database.read() as connection:
        decided = await approvals.get_approval(connection, asked.id)
    assert decided.edited_input == {"command": "deploy later"}


@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize("words", [("ls",), ("approval", "list"), ("workflow", "show", "ID")], ids=" ".join)
async def test_a_question_is_shown_whole_with_the_commands_that_answer(live: Live, adw: Adw, kind, words):
    asking = await waiting(live, kind)
    shown = await adw(*(asking.adw_id if word == "ID" else word for word in words))
    told = shown.out + shown.err
    assert QUESTIONS[kind][1].replace("\x1b", "\N{REPLACEMENT CHARACTER}") in told
    assert "\x1b" not in told
    [allow] = re.findall(r"adw (approval allow [0-9a-f]{8})$", told, re.MULTILINE)
    answered = await adw(*allow.split())
    assert (answered.code, answered.err) == (
        ExitCode.OK,
        f"{kind} allowed; workflow {asking.adw_id} is active\n",
    )
    assert live.stage.enqueuer.started == [f"{asking.adw_id}.1"]
    assert "allow" not in (await adw(*(asking.adw_id if word == "ID" else word for word in words))).err


@pytest.mark.parametrize(
    ("kind", "failure", "said"),
    [
        (ApprovalKind.SHIP, "cancelled", "shipping was denied by"),
        (ApprovalKind.CONFLICT, "conflict", "taking in the commits of others was denied by"),
    ],
)
async def test_a_no_ends_it_with_words_that_say_what_about(live: Live, adw: Adw, kind, failure, said):
    asking = await waiting(live, kind)
    denied = await adw("approval", "deny", asking.adw_id, "--reason", "not like this")
    assert (denied.code, "is failed" in denied.err) == (ExitCode.OK, True)
    shown = await adw("workflow", "show", asking.adw_id)
    assert said in shown.out
    assert f"not like this [{failure}]" in shown.out
    assert (await adw("workflow", "retry", asking.adw_id)).code == ExitCode.OK


async def test_who_holds_a_worktree_and_how_it_is_given_back_is_told(live: Live, adw: Adw):
    adw_id = await held(live)
    listed = await adw("ls")
    assert "paused (held by bo)" in listed.out
    assert f"adw workflow handback {adw_id}" in listed.err
    shown = await adw("workflow", "show", adw_id)
    assert f"by bo; it goes on after `adw workflow handback {adw_id}`" in shown.out
    assert (await adw("workflow", "handback", adw_id)).code == ExitCode.OK
    assert "held" not in (await adw("workflow", "show", adw_id)).out


async def test_forks_and_what_nobody_has_heard_yet_are_told(live: Live, adw: Adw):
    adw_id = await held(live)
    await adw("agent", "send", adw_id, "Keep the old\x1b[2J format")
    made = await adw("workflow", "fork", adw_id, "--from", "plan", "--json")
    fork = re.search(r'"adwId": "([0-9a-f]{8})"', made.out)
    assert fork is not None
    shown = await adw("workflow", "show", adw_id)
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert f"forks {fork[1]}" in lines
    assert any("Keep the old\N{REPLACEMENT CHARACTER}[2J format" in line for line in lines)
    assert "NOT YET HEARD FROM SAID MESSAGE" in lines
    of_fork = (await adw("workflow", "show", fork[1])).out
    assert f"from {adw_id}" in of_fork
    assert "HEARD" not in of_fork


async def held(live: Live) -> str:
    """A workflow that bo has taken over in its plan."""
    stage = live.stage
    workflow = await stage.work()
    await stage.pull(workflow)
    adw_id = workflow.adw_id
    await stage.change(adw_id, issue_class="bug", plan_file="p.md")
    async with stage.database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
        await phases.end_phase(
            connection,
            adw_id=adw_id,
            phase="plan",
            attempt=1,
            status=PhaseStatus.COMPLETED,
            commit_after=stage.base_sha,
        )
    await stage.activate(adw_id)
    await stage.services.steering.takeover(adw_id, actor="bo")
    return adw_id
