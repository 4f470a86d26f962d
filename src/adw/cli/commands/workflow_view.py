"""The commands of `adw workflow` that only look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.files import print_content, print_text, write_file
from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import ago, as_document, print_json, print_table
from adw.cli.session import connect
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from adw.client.types import ChangedFileDict, DiffStatDict

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write it there; a file that exists is replaced."),
]


def show(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Show one workflow: phases, cost, and what every gate found on which commit."""
    from adw.cli.evidence import print_workflow

    with connect() as client:
        view = client.get_workflow(adw_id)
        evidence = client.evidence(view["adwId"])["evidence"]
        attempts = client.phases(view["adwId"])["phases"]
    if as_json:
        return print_json({**view, "evidence": evidence, "attempts": attempts})
    return print_workflow(view, evidence=evidence, attempts=attempts)


def diff(
    adw_id: AdwId,
    *,
    stat: Annotated[bool, typer.Option("--stat", help="Only the files and how many lines of them.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what a workflow changes against its base.

    It is read from the remote: neither a pull request nor the worktree is needed. --json adds the text as `diff`,
    without --stat.
    """
    with connect() as client:
        if not stat and not as_json:
            return print_text(client.diff(adw_id))
        found = client.diff_stat(adw_id)
        text = {} if stat else {"diff": client.diff(found["adwId"])}
    if as_json:
        return print_json({**found, **text})
    return _print_stat(found)


def logs(
    adw_id: AdwId,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the workflow has ended or waits for a person.")
    ] = False,
    types: Annotated[
        list[str] | None,
        typer.Option("--types", metavar="TYPES", help="Only events of these types, e.g. gate_failed,phase_completed."),
    ] = None,
    after: Annotated[
        int, typer.Option("--after", "--since", min=0, metavar="SEQ", help="Only events with a larger number.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Show what happened in a workflow.

    With --json one document, or with --follow one event a line. A server that restarts meanwhile is waited for.

    Exit code with --follow: 0 completed, 1 failed or cancelled, 6 waiting for a person.
    """
    from adw.cli.logs import follow_events, print_events, read_types

    wanted = read_types(types or ())
    if follow:
        raise typer.Exit(follow_events(adw_id, after=after, types=wanted, as_json=as_json))
    return print_events(adw_id, after=after, types=wanted, as_json=as_json)


def transcript(
    adw_id: AdwId,
    *,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="Only of this agent: planner, implementor, ...")
    ] = None,
    phase: Annotated[str | None, typer.Option("--phase", metavar="PHASE", help="Only of this phase.")] = None,
    output: Output = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what agents were told, said and did, as Markdown."""
    with connect() as client:
        if as_json:
            text = as_document(client.transcript(adw_id, role=role, phase=phase))
        else:
            text = client.transcript_markdown(adw_id, role=role, phase=phase)
    return print_text(text) if output is None else write_file(output, text.encode())


def artifacts(
    adw_id: AdwId,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this one; without it, all are listed.")
    ] = None,
    *,
    output: Output = None,
    as_json: JsonFlag = False,
) -> None:
    """List the files a workflow produced, such as test reports, or print one.

    --json is about the list.
    """
    if name is None:
        return _list_artifacts(adw_id, output=output, as_json=as_json)
    if as_json:
        raise UsageError("--json is about the list of artifacts", hint="leave it out to print one as it is")
    with connect() as client:
        content = client.artifact(adw_id, name)
    return print_content(content, name=name) if output is None else write_file(output, content)


def _list_artifacts(adw_id: str, *, output: Path | None, as_json: bool) -> None:
    if output is not None:
        raise UsageError("say which one to write", hint=f"see their names with `adw workflow artifacts {adw_id}`")
    with connect() as client:
        found = client.artifacts(adw_id)
    if as_json:
        return print_json(found)
    rows = [
        (each["name"], each["mediaType"], each["size"], ago(each["createdAt"]), each["sha256"][:12])
        for each in found["artifacts"]
    ]
    return print_table(("NAME", "TYPE", "BYTES", "MADE", "SHA-256"), rows, empty="no artifacts")


def _print_stat(found: DiffStatDict) -> None:
    rows = [(each["path"], each["status"], *_lines(each)) for each in found["files"]]
    if rows:
        rows.append(("total", "", f"+{found['additions']}", f"-{found['deletions']}"))
    print_table(("FILE", "STATUS", "ADDED", "DELETED"), rows, empty="no change yet")


def _lines(file: ChangedFileDict) -> tuple[str, str]:
    return ("binary", "") if file["isBinary"] else (f"+{file['additions']}", f"-{file['deletions']}")
