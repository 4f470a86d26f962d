"""Hands work to the server and, if asked to, stays until it is done."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from adw.cli import session
from adw.cli.output import dollars, print_json, say
from adw.cli.preview import exit_code_for, print_preview
from adw.cli.progress import Progress
from adw.cli.projects import repo_flag
from adw.cli.repository import repository
from adw.cli.watch import answer_lines, exit_code_of, needs_person, watch
from adw.client import AdwClient
from adw.client.types import AcceptedDict, OrderFields, WorkflowDict, WorkOptions
from adw.domain.status import OPEN_PR_STATES, Status
from adw.kit.errors import ExitCode
from adw.kit.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done, where and at what price."""

    repo: str
    kind: str
    issue_number: int | None = None
    prompt: str | None = None
    on: str | None = None
    model_set: str | None = None
    budget_usd: Decimal | None = None
    plan_approval: bool | None = None
    skip_e2e: bool = False
    auto_resolve: bool = True
    priority: int = 0
    after: tuple[str, ...] = ()
    create_issue: bool = False


def hand_in(settings: Settings, order: Order, *, wait: bool, as_json: bool) -> int:
    """Starts the workflow and returns the command's exit code; with `wait`, only when the workflow stands still."""

    def connect() -> AdwClient:
        return session.connect(settings, repo=order.repo)

    with connect() as client:
        accepted = start(client, order)
    for note in accepted["notes"]:
        say(f"note: {note}")
    if not wait:
        return _started(accepted, as_json=as_json)
    with Progress() as progress:
        progress.note(f"workflow {accepted['adwId']} ({order.kind}) on {_subject(accepted['workflow'], order)}")
        view = watch(connect, accepted["adwId"], progress)
    if as_json:
        print_json(view)
    tell_outcome(view, repo=order.repo)
    return exit_code_of(view)


def start(client: AdwClient, order: Order) -> AcceptedDict:
    """Sends the order; its key makes a repeated request harmless."""
    return client.create_workflow(**_fields(order), key=uuid.uuid4().hex)


def look_ahead(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Shows what the order would become; the exit code is that of the refusal, if it would be refused."""
    with session.connect(settings, repo=order.repo) as client:
        preview = client.preview_workflow(**_fields(order))
    refusals = [each for each in preview["findings"] if each["code"] is not None]
    if as_json:
        print_json(preview)
    else:
        print_preview(preview)
    return exit_code_for(str(refusals[0]["code"])) if refusals else ExitCode.OK


def tell_outcome(view: WorkflowDict, *, repo: str) -> None:
    """How it ended and what to do next, for a person."""
    adw_id = view["adwId"]
    if needs_person(view):
        say(f"workflow {adw_id} waits for you:")
        for line in answer_lines(view):
            say(f"  {line}")
        return
    say(f"workflow {adw_id} {view['status']}; it cost {dollars(view['usage']['costUsd'])}")
    failure = view["failure"]
    if view["status"] == Status.FAILED and failure:
        say(f"{failure['message']} [{failure['class']}]")
        say(str(failure["advice"]))
        for command in failure["nextActions"]:
            say(f"  {command}")
    if view["prNumber"] is not None:
        where = repo_flag(repo)
        say(f"pull request #{view['prNumber']} is {view['prState']}: {view['branchName']}")
        say(f"  adw pr show {view['prNumber']}{where}")
        if view["prState"] in OPEN_PR_STATES:
            say(f"  adw pr merge {view['prNumber']}{where}")


def _fields(order: Order) -> OrderFields:
    options: WorkOptions = {"skipE2e": order.skip_e2e, "autoResolve": order.auto_resolve}
    if order.plan_approval is not None:
        options["planApproval"] = order.plan_approval
    return {
        "project": repository(order.repo).reference,
        "workflow_type": order.kind,
        "issue_number": order.issue_number,
        "prompt": order.prompt,
        "on": order.on,
        "model_set": order.model_set,
        "budget_usd": order.budget_usd,
        "priority": order.priority,
        "depends_on": order.after,
        "create_issue": order.create_issue,
        "options": options,
    }


def _subject(workflow: WorkflowDict, order: Order) -> str:
    number = workflow["issueNumber"]
    return str(order.on) if number is None else f"issue #{number}"


def _started(accepted: AcceptedDict, *, as_json: bool) -> int:
    adw_id = accepted["adwId"]
    if as_json:
        print_json(accepted["workflow"])
    else:
        print(adw_id)
    say(f"workflow {adw_id} is queued; follow it with `adw logs {adw_id} -f`, see it with `adw workflow show {adw_id}`")
    return ExitCode.OK
