"""`adw token`: tokens with which other people and programs use the server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table, say
from adw.cli.session import connect
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from adw.client.types import TokenDict

app = typer.Typer(help="Tokens with which other people and programs use the server.", rich_markup_mode=None)

_HEADERS = ("ID", "NAME", "SCOPE", "CREATED (UTC)", "EXPIRES (UTC)", "LAST USED (UTC)", "STATE")
_EMPTY = "no tokens were given out; make one with `adw token create --name NAME --scope read`"
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.command("create")
def create_token(
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Who or what uses it.")],
    scope: Annotated[
        Literal["read", "operate", "admin"],
        typer.Option("--scope", help="read looks, operate gives orders, admin also gives out tokens."),
    ] = "operate",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="For how long, e.g. 12h, 30d; never unless named.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a token and print its secret, this once."""
    expires_at = None if expires is None else (datetime.now(UTC) + read_span(expires)).isoformat()
    with connect() as client:
        made = client.create_token(name, scope=scope, expires_at=expires_at)
    if as_json:
        return print_json(made)
    print(made["secret"])
    return say(f"keep it well: it is not shown again; `adw token revoke {made['token']['id']}` takes it back")


@app.command("list")
def list_tokens(*, as_json: JsonFlag = False) -> None:
    """List tokens that were given out, without their secrets."""
    with connect() as client:
        found = client.tokens()
    if as_json:
        return print_json(found)
    return print_table(_HEADERS, [_row(each) for each in found["tokens"]], empty=_EMPTY)


@app.command("revoke")
def revoke_token(
    reference: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or name.")], *, as_json: JsonFlag = False
) -> None:
    """Take a token back, with the browsers that were logged in by it."""
    with connect() as client:
        gone = client.revoke_token(reference)
    if as_json:
        return print_json(gone)
    return say(f"revoked {gone['name']} ({gone['id']})")


def read_span(text: str) -> timedelta:
    """`90m`, `12h`, `30d` or `4w`. Raises UsageError."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a span of time", hint="for example `--expires 30d`, or 12h")
    return int(found[1]) * _UNITS[found[2]]


def _row(token: TokenDict) -> tuple[object, ...]:
    return (
        token["id"],
        token["name"],
        token["scope"],
        _minute(token["createdAt"]),
        _minute(token["expiresAt"]) or "never",
        _minute(token["lastUsedAt"]) or "never",
        _state(token),
    )


def _state(token: TokenDict) -> str:
    if token["revokedAt"] is not None:
        return "revoked"
    ends = token["expiresAt"]
    return "expired" if ends is not None and datetime.fromisoformat(ends) <= datetime.now(UTC) else "valid"


def _minute(moment: str | None) -> str:
    return "" if moment is None else moment[:16].replace("T", " ")
