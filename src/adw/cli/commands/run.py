"""`adw run`: hand in work, and see it done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from adw.cli.amounts import read_usd
from adw.cli.invocation import current_settings
from adw.cli.options import JsonFlag, Repo
from adw.domain.kinds import canonical_kind, check_earlier
from adw.kit.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from adw.kit.settings import Settings

_NUMBER = re.compile(r"#?(?P<number>\d{1,9})")
_ADDRESS = re.compile(r"(?P<repository>https?://[^/\s]+/[^/\s]+/[^/\s]+)/issues/(?P<number>\d{1,9})(?:[?#]\S*)?")
DEFAULT_KIND = "plan-build-test"


Target: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="TARGET", help="An issue's number or address, or a sentence that says what to do."),
]
Kind: TypeAlias = Annotated[
    str, typer.Option("--workflow", "-w", metavar="KIND", help="Which phases run, for example plan-build.")
]
On: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="WORK", help="Earlier work for a single phase: a workflow's id, a branch, a pull request."
    ),
]
Models: TypeAlias = Annotated[
    Literal["base", "heavy", "lightweight"] | None, typer.Option("--model-set", help="Which models do it.")
]
Budget: TypeAlias = Annotated[
    str | None, typer.Option("--budget", metavar="USD", help="Most that may be spent, in US dollars.")
]
PlanApproval: TypeAlias = Annotated[
    bool, typer.Option("--plan-approval", help="Wait for a person to approve the plan.")
]
SkipE2e: TypeAlias = Annotated[bool, typer.Option("--skip-e2e", help="Leave the end-to-end tests out.")]
NoResolve: TypeAlias = Annotated[
    bool, typer.Option("--no-resolve", "--no-auto-resolve", help="Only look; repair nothing that fails.")
]
Priority: TypeAlias = Annotated[
    int, typer.Option("--priority", metavar="N", min=-1000, max=1000, help="Larger starts sooner; usually 0.")
]
After: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--after", metavar="ADW_ID", help="Start once this workflow is done; may be repeated."),
]
CreateIssue: TypeAlias = Annotated[
    bool,
    typer.Option("--create-issue", help="Make an issue of the sentence on GitHub too; the local forge always does."),
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done and what speaks against it; do nothing.")
]
Wait: TypeAlias = Annotated[bool, typer.Option("--wait", help="Show what happens until it is done.")]


def run(
    target: Target = None,
    *,
    workflow: Kind = DEFAULT_KIND,
    on: On = None,
    repo: Repo = ".",
    model_set: Models = None,
    budget: Budget = None,
    plan_approval: PlanApproval = False,
    skip_e2e: SkipE2e = False,
    no_resolve: NoResolve = False,
    priority: Priority = 0,
    after: After = None,
    create_issue: CreateIssue = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    as_json: JsonFlag = False,
) -> None:
    """Work on an issue or on a sentence.

    It happens in a workspace of its own and ends in a tested pull request; the folder you are in is not touched.
    A single phase such as `--workflow test` is done on earlier work, named by `--on`: a workflow of yours goes on; of
    a branch that somebody made the work starts on a new branch beside it.

    Exit code with --wait: 0 done, 1 failed or cancelled, 6 waiting for a person.
    """
    settings = current_settings()
    check_earlier(workflow, on=on)
    number, prompt = (None, None) if target is None and on is not None else read_target(target or "")
    repo = repository_of(target or "") or repo
    budget_usd = read_usd(budget)
    if not dry_run:
        require_credential(settings)
    from adw.cli.running import Order, hand_in, look_ahead

    order = Order(
        repo=repo,
        issue_number=number,
        prompt=prompt,
        on=on,
        kind=canonical_kind(workflow),
        model_set=model_set,
        budget_usd=budget_usd,
        plan_approval=True if plan_approval else None,
        skip_e2e=skip_e2e,
        auto_resolve=not no_resolve,
        priority=priority,
        after=tuple(after or ()),
        create_issue=create_issue,
    )
    if dry_run:
        raise typer.Exit(look_ahead(settings, order, as_json=as_json))
    code = hand_in(settings, order, wait=wait, as_json=as_json)
    raise typer.Exit(code)


def read_target(target: str) -> tuple[int | None, str | None]:
    """An issue's number, or else the sentence."""
    text = target.strip()
    match = _NUMBER.fullmatch(text) or _ADDRESS.fullmatch(text)
    if match:
        return int(match["number"]), None
    if not text:
        raise UsageError("say what to do: an issue's number or a sentence", hint='for example `adw run "Fix the date"`')
    return None, text


def repository_of(target: str) -> str | None:
    """The repository that the address of an issue lies in; None for any other target."""
    match = _ADDRESS.fullmatch(target.strip())
    return None if match is None else match["repository"]


def require_credential(settings: Settings) -> None:
    """Raises ConfigurationError when no model could be asked."""
    if not settings.has_model_credential:
        raise ConfigurationError(
            "no credential for the model API: ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN and CLAUDE_CODE_OAUTH_TOKEN "
            "are all unset",
            hint="set one, for example `export ANTHROPIC_API_KEY=sk-ant-...`; `adw demo` works without any",
        )
