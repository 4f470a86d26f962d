"""`adw notify`: who is told what outside of our own screens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adw.cli.commands.trigger import reference_of
from adw.cli.notifications import print_channels, print_deliveries, print_rules
from adw.cli.options import JsonFlag
from adw.cli.output import print_json, say
from adw.cli.session import connect
from adw.kit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import ChannelDict, ChannelFields, DeliveryDict, RuleFields

app = typer.Typer(help="Who is told what by webhook, Slack or e-mail, as long as a worker runs.", rich_markup_mode=None)

_FOUND_BY = "Names the workers' variable with an address that is itself a secret, such as ADW_NOTIFY_SLACK."
_SIGNED_BY = "Names the workers' variable with what a webhook is signed with, such as ADW_NOTIFY_OPS."
_KNOWN_BY = "Names the workers' variable with the mail server's password, such as ADW_NOTIFY_MAIL."
_PRIVATE = "It may lead to this machine or into a private network, there also unencrypted."
_PERSON = "Who decides by its links; without one it gets none."
_LINK_HOURS = "How long its links work; 24 unless named."

_Security = Literal["starttls", "tls", "none"]

_OPEN = ("waiting", "sending")
_PATIENCE_S = 30.0
_LOOK_S = 0.3


@app.command("list")
def list_notifications(*, as_json: JsonFlag = False) -> None:
    """List channels and rules, and messages that were given up."""
    with connect() as client:
        found = client.notifications()
        failed = client.deliveries(state="failed", limit=20)["deliveries"]
    if as_json:
        return print_json({**found, "failed": failed})
    print_channels(found["channels"])
    print_rules(found["rules"])
    if failed:
        say(f"{len(failed)} of the latest messages did not arrive; see `adw notify deliveries --state failed`")
    return None


@app.command("add")
def add_channel(
    kind: Annotated[Literal["webhook", "slack", "email"], typer.Argument(metavar="webhook|slack|email")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="How it is called from now on, e.g. ops.")],
    *,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Of a webhook.")] = None,
    url_env: Annotated[str | None, typer.Option("--url-env", metavar="VARIABLE", help=_FOUND_BY)] = None,
    secret_env: Annotated[str | None, typer.Option("--secret-env", metavar="VARIABLE", help=_SIGNED_BY)] = None,
    host: Annotated[str | None, typer.Option("--host", metavar="HOST", help="Mail server.")] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="PORT", help="Its port, if not the usual one.")] = None,
    security: Annotated[_Security | None, typer.Option("--security", help="starttls unless named.")] = None,
    sender: Annotated[str | None, typer.Option("--from", metavar="MAILBOX", help="Who mail comes from.")] = None,
    recipients: Annotated[list[str] | None, typer.Option("--to", metavar="MAILBOX", help="Can be repeated.")] = None,
    username: Annotated[str | None, typer.Option("--user", metavar="NAME", help="At the mail server.")] = None,
    password_env: Annotated[str | None, typer.Option("--password-env", metavar="VARIABLE", help=_KNOWN_BY)] = None,
    private: Annotated[bool, typer.Option("--private", help=_PRIVATE)] = False,
    person: Annotated[str | None, typer.Option("--person", metavar="NAME", help=_PERSON)] = None,
    link_hours: Annotated[int | None, typer.Option("--link-hours", metavar="HOURS", help=_LINK_HOURS)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a channel; `adw notify rule` says what it is told. Secrets stay in the workers' environment."""
    if secret_env is not None and password_env is not None:
        raise UsageError("a channel has one secret", hint="a webhook --secret-env, e-mail --password-env")
    fields: ChannelFields = {
        "url": url,
        "urlEnv": url_env,
        "secretEnv": secret_env or password_env,
        "host": host,
        "port": port,
        "security": security,
        "username": username,
        "sender": sender,
        "recipients": recipients or [],
        "allowPrivate": private,
        "person": person,
        "linkHours": link_hours,
    }
    with connect() as client:
        made = client.add_channel(name, kind=kind, fields=fields)
    print_json(made) if as_json else _say_added(made)


@app.command("rule")
def add_rule(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL")],
    events: Annotated[
        list[str], typer.Argument(metavar="EVENT...", help="Such as workflow_failed; or attention, ends, pulls.")
    ],
    *,
    project: Annotated[
        list[str] | None, typer.Option("--project", metavar="PROJECT", help="Only of this one; can be repeated.")
    ] = None,
    urgent: Annotated[
        list[str] | None,
        typer.Option("--urgent", metavar="EVENT", help="Waits for no digest and no morning; can be repeated."),
    ] = None,
    every: Annotated[
        int | None, typer.Option("--every", metavar="MINUTES", help="Gather for so long, and tell all at once.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIMES", help="Tell all at once then: 08:00,17:00.")] = None,
    quiet: Annotated[
        str | None, typer.Option("--quiet", metavar="FROM-UNTIL", help="When nobody is told anything: 22:00-07:00.")
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="Of these times, e.g. Europe/Berlin.")] = "UTC",
    as_json: JsonFlag = False,
) -> None:
    """Let a channel be told of events, from now on."""
    start, _, end = (quiet or "").partition("-")
    fields: RuleFields = {
        "projects": [reference_of(each) or each for each in project or []],
        "urgent": urgent or [],
        "digestMinutes": every,
        "digestAt": [each.strip() for each in (at or "").split(",") if each.strip()],
        "quietFrom": start or None,
        "quietUntil": end or None,
        "zone": zone,
    }
    with connect() as client:
        made = client.add_rule(channel, events, fields=fields)
    if as_json:
        return print_json(made)
    return print_rules([made])


@app.command("on")
def switch_on(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="Its id.")], *, as_json: JsonFlag = False
) -> None:
    """Let a rule tell what happens from now on."""
    _switch(rule_id, on=True, as_json=as_json)


@app.command("off")
def switch_off(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="Its id.")], *, as_json: JsonFlag = False
) -> None:
    """Let a rule tell nothing."""
    _switch(rule_id, on=False, as_json=as_json)


@app.command("remove")
def remove(
    reference: Annotated[str, typer.Argument(metavar="CHANNEL|RULE", help="A channel's name or id, or a rule's id.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Remove a rule, or a channel with its rules and links."""
    with connect() as client:
        is_rule = any(rule["id"] == reference for rule in client.notifications()["rules"])
        gone = client.remove_rule(reference) if is_rule else client.remove_channel(reference)
    if as_json:
        return print_json(gone)
    return say(f"removed {'rule' if is_rule else 'channel'} {gone['id'] if is_rule else gone.get('name')}")


@app.command("test")
def try_channel(channel: Annotated[str, typer.Argument(metavar="CHANNEL")], *, as_json: JsonFlag = False) -> None:
    """Send a test, and wait until it has arrived or failed."""
    with connect() as client:
        sent = _await_end(client, client.test_channel(channel))
    if as_json:
        print_json(sent)
    elif sent["state"] == "delivered":
        say("it has arrived")
    else:
        say(f"it has not arrived: {sent['error'] or 'no worker has sent it yet'}")
    if sent["state"] != "delivered":
        raise typer.Exit(ExitCode.FAILED)


@app.command("deliveries")
def list_deliveries(
    *,
    state: Annotated[
        Literal["waiting", "sending", "delivered", "failed", "dropped"] | None, typer.Option("--state")
    ] = None,
    channel: Annotated[str | None, typer.Option("--channel", metavar="CHANNEL", help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List messages, newest first: what has arrived, what is tried again, and what was given up."""
    with connect() as client:
        found = client.deliveries(state=state, channel=channel, limit=limit)
    if as_json:
        return print_json(found)
    return print_deliveries(found["deliveries"])


@app.command("retry")
def retry(
    delivery_id: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")], *, as_json: JsonFlag = False
) -> None:
    """Send a message again that was given up."""
    with connect() as client:
        sent = client.retry_delivery(delivery_id)
    if as_json:
        return print_json(sent)
    return say(f"{sent['id']} is on its way again")


def _say_added(made: ChannelDict) -> None:
    say(f"added {made['name']}; try it with `adw notify test {made['name']}`")
    for each in made["missing"]:
        say(f"warning: {each} is not set where the server runs; the workers need it")


def _switch(rule_id: str, *, on: bool, as_json: bool) -> None:
    with connect() as client:
        switched = client.switch_rule(rule_id, on=on)
    if as_json:
        return print_json(switched)
    return print_rules([switched])


def _await_end(client: AdwClient, sent: DeliveryDict) -> DeliveryDict:
    """A first attempt that failed is an answer, too."""
    deadline = time.monotonic() + _PATIENCE_S
    while sent["state"] in _OPEN and sent["error"] is None and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        found = client.deliveries(channel=sent["channel"], limit=200)["deliveries"]
        sent = next((each for each in found if each["id"] == sent["id"]), sent)
    return sent
