"""The commands of `adw workflow` that steer: do again, branch off, compare, take over, hand back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import dollars, duration, one_line, print_json, print_table, say
from adw.cli.session import connect
from adw.domain.agent import ModelSet
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from adw.client.types import ComparedRunDict, ComparisonDict, WorkflowDict

From = Annotated[str, typer.Option("--from", metavar="PHASE", help="Begin at the commit before this phase.")]
OtherSet = Annotated[ModelSet | None, typer.Option("--model-set", help="Go on with the models of this set.")]
OtherModel = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Go on with this model for all agents.")
]
Words = Annotated[str | None, typer.Option("--say", metavar="TEXT", help="What the next agent is told first.")]


def retry(
    adw_id: AdwId,
    *,
    from_phase: Annotated[
        str | None, typer.Option("--from", metavar="PHASE", help="Do this phase and all that follow again.")
    ] = None,
    discard_foreign: Annotated[
        bool, typer.Option("--discard-foreign", help="With --from: give up commits of others; they are kept aside.")
    ] = False,
    model_set: OtherSet = None,
    model: OtherModel = None,
    words: Words = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the failed phase of a workflow again, or everything from an earlier phase on.

    Another model, or some words to the agent, may help where it failed. With --from the branch goes back to the commit
    before that phase; what was there is kept as refs/adw/ID/attempt-N.
    """
    if discard_foreign and from_phase is None:
        raise UsageError("nothing is discarded by going on where it failed", hint="add --from PHASE")
    with connect() as client:
        done = client.retry(
            adw_id,
            from_phase=from_phase,
            discard_foreign=discard_foreign,
            model_set=model_set,
            model=model,
            message=words,
        )
    answer(done["workflow"], as_json=as_json)


def fork(
    adw_id: AdwId,
    *,
    from_phase: From,
    kind: Annotated[
        str | None, typer.Option("--workflow", "-w", metavar="KIND", help="Go on as this kind instead of the same.")
    ] = None,
    model_set: OtherSet = None,
    model: OtherModel = None,
    words: Words = None,
    as_json: JsonFlag = False,
) -> None:
    """Start a second workflow for the same work from an earlier commit of this one.

    It gets a branch and pull request of its own, the phases before are taken as they are, and what is left of the
    budget is its budget.
    """
    with connect() as client:
        made = client.fork(
            adw_id, from_phase=from_phase, workflow_type=kind, model_set=model_set, model=model, message=words
        )
    if as_json:
        return print_json(made)
    say(f"workflow {made['adwId']} is {made['workflow']['status']}, branched off {made['workflow']['forkedFrom']}")
    return say(f"compare them later: adw compare {made['workflow']['forkedFrom']} {made['adwId']}")


def compare(
    first: AdwId,
    second: AdwId,
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Show how their results differ as well.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show two runs side by side: outcome, time, money, gates, and how their results differ."""
    with connect() as client:
        found = client.compare(first, second)
    if as_json:
        return print_json(found)
    one, two = found["first"], found["second"]
    print_table(("", one["adwId"], two["adwId"]), _rows(one, two), empty="")
    return _print_difference(found, whole=diff)


def takeover(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Stop a workflow's agent and work in its worktree yourself.

    Prints the worktree's path. Nothing else touches it until `adw workflow handback`.
    """
    with connect() as client:
        taken = client.takeover(adw_id)
    if as_json:
        return print_json(taken)
    for note in taken["notes"]:
        say(f"note: {note}")
    full = taken["workflow"]["adwId"]
    say(f"workflow {full} is yours; when you are done: adw workflow handback {full}")
    return print(taken["path"])


def handback(
    adw_id: AdwId,
    *,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="For the commit of what you left uncommitted.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a worktree back; the workflow goes on with what you did.

    Your commits are kept as they are, what you left uncommitted becomes one more, and tests and review run again.
    """
    with connect() as client:
        done = client.handback(adw_id, message=message)
    answer(done["workflow"], as_json=as_json)


def answer(view: WorkflowDict, *, as_json: bool) -> None:
    """What an action made of a workflow."""
    if as_json:
        print_json(view)
    else:
        say(f"workflow {view['adwId']} is {view['status']}")


def _rows(one: ComparedRunDict, two: ComparedRunDict) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        ("kind", one["workflowType"], two["workflowType"]),
        ("outcome", one["status"], two["status"]),
        ("pull", _pull(one), _pull(two)),
        ("head", one["head"][:12], two["head"][:12]),
        ("cost", dollars(one["usage"]["costUsd"]), dollars(two["usage"]["costUsd"])),
        ("tokens", _tokens(one), _tokens(two)),
        ("time", duration(one["durationMs"]), duration(two["durationMs"])),
    ]
    names = dict.fromkeys(phase["name"] for run in (one, two) for phase in run["phases"])
    rows += [(f"phase {name}", _phase(one, name), _phase(two, name)) for name in names]
    gates = dict.fromkeys((gate["phase"], gate["gate"]) for run in (one, two) for gate in run["gates"])
    return [*rows, *((f"gate {name[1]} ({name[0]})", _gate(one, name), _gate(two, name)) for name in gates)]


def _pull(run: ComparedRunDict) -> str:
    return "" if run["prNumber"] is None else f"#{run['prNumber']} {run['prState']}"


def _tokens(run: ComparedRunDict) -> str:
    used = run["usage"]
    return f"{used['inputTokens']} in, {used['outputTokens']} out"


def _phase(run: ComparedRunDict, name: str) -> str:
    phase = next((each for each in run["phases"] if each["name"] == name), None)
    if phase is None or phase["status"] is None:
        return ""
    times = f", {phase['attempts']} attempts" if phase["attempts"] > 1 else ""
    return f"{phase['status']} in {duration(phase['durationMs'])}{times}"


def _gate(run: ComparedRunDict, name: tuple[str, str]) -> str:
    gate = next((each for each in run["gates"] if (each["phase"], each["gate"]) == name), None)
    return "" if gate is None else f"{gate['outcome']}: {one_line(gate['summary'], width=50)}"


def _print_difference(found: ComparisonDict, *, whole: bool) -> None:
    print()
    rows = [(each["path"], each["status"], f"+{each['additions']}", f"-{each['deletions']}") for each in found["files"]]
    print_table(("FILE", "CHANGE", "ADDED", "REMOVED"), rows, empty="their results are the same")
    if whole:
        print(found["diff"], end="")
