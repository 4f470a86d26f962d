"""How channels, rules and messages are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adw.cli.output import print_table

if TYPE_CHECKING:
    from adw.client.types import ChannelDict, DeliveryDict, RuleDict

_CHANNELS = ("CHANNEL", "KIND", "WHERE", "SECRET", "LINKS FOR")
_NO_CHANNELS = "no channels; add one with `adw notify add webhook ops --url https://... --secret-env ADW_NOTIFY_OPS`"
_RULES = ("RULE", "CHANNEL", "EVENTS", "PROJECTS", "WHEN", "QUIET", "STATE")
_NO_RULES = "no rules; add one with `adw notify rule CHANNEL attention`"
_DELIVERIES = ("MESSAGE", "CHANNEL", "CREATED (UTC)", "EVENTS", "STATE", "ATTEMPTS", "DUE (UTC)", "ERROR")
_NO_DELIVERIES = "no messages"


def print_channels(found: Sequence[ChannelDict]) -> None:
    print_table(_CHANNELS, [_channel(each) for each in found], empty=_NO_CHANNELS)


def print_rules(found: Sequence[RuleDict]) -> None:
    print_table(_RULES, [_rule(each) for each in found], empty=_NO_RULES)


def print_deliveries(found: Sequence[DeliveryDict]) -> None:
    print_table(_DELIVERIES, [_delivery(each) for each in found], empty=_NO_DELIVERIES)


def _channel(each: ChannelDict) -> tuple[object, ...]:
    mail = f"{', '.join(each['recipients'])} by {each['host']}:{each['port']}"
    where = mail if each["kind"] == "email" else each["url"] or each["urlEnv"]
    secret = each["secretEnv"] or each["urlEnv"] or "-"
    return (each["name"], each["kind"], where, secret + (" (not set)" if each["missing"] else ""), each["person"])


def _rule(each: RuleDict) -> tuple[object, ...]:
    when = "at once"
    if each["digestMinutes"] is not None:
        when = f"every {each['digestMinutes']} min"
    elif each["digestAt"]:
        when = f"{', '.join(each['digestAt'])} {each['zone']}"
    quiet = "" if each["quietFrom"] is None else f"{each['quietFrom']}-{each['quietUntil']} {each['zone']}"
    events = ", ".join(f"{name}!" if name in each["urgent"] else name for name in each["events"])
    projects = ", ".join(each["projectIds"]) or "all"
    return (each["id"], each["channel"], events, projects, when, quiet, "on" if each["enabled"] else "off")


def _delivery(each: DeliveryDict) -> tuple[object, ...]:
    due = each["dueAt"] if each["state"] in {"waiting", "sending"} else None
    events = "test" if each["ruleId"] is None else each["events"]
    created = _minute(each["createdAt"])
    return (each["id"], each["channel"], created, events, each["state"], each["attempts"], _minute(due), each["error"])


def _minute(moment: str | None) -> str:
    return "" if moment is None else moment[:16].replace("T", " ")
