"""Where notifications go: a webhook, a Slack-compatible webhook or a mailbox. Secrets are named, never held."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NoReturn
from urllib.parse import urlsplit

from adw.kit.errors import UsageError
from adw.kit.variables import CHANNEL_SECRETS

MAX_RECIPIENTS = 20
LINK_HOURS = 24
SECURITIES = ("starttls", "tls", "none")
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}

Security = Literal["starttls", "tls", "none"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
# No other variable can be sent anywhere by a channel, whoever sets one up.
_SECRET_NAME = re.compile(CHANNEL_SECRETS + r"[A-Z0-9_]{1,60}")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]{2,45}\]?")


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a channel leads. `url_env` names the variable that holds an address which is itself a secret, `secret_env`
    the one with what webhooks are signed with, or the password of a mail server.
    """

    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    host: str | None = None
    port: int | None = None
    security: Security | None = None
    username: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    allow_private: bool = False
    """Whether it may lead to this machine or into a private network, and there without encryption."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all variables it needs."""
        return tuple(name for name in (self.url_env, self.secret_env) if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """`person` is in whose name links decide; without one the channel gets no links. `link_hours`: how long they do."""

    name: str
    kind: ChannelKind
    address: Address
    person: str | None = None
    link_hours: int = LINK_HOURS
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as it is kept."""

    id: str
    name: str
    kind: ChannelKind
    address: Address
    person: str | None
    link_hours: int
    created_by: str
    created_at: datetime

    @property
    def actor(self) -> str:
        """By whom a decision was made that came in by one of its links."""
        return f"link:{self.name}"


def check_name(name: str) -> str:
    """The name of a channel. Raises UsageError."""
    if _NAME.fullmatch(name) is None:
        _refuse(f"{name[:60]!r} cannot be a channel's name", "use up to 50 of a-z 0-9 . _ -, such as `ops`")
    return name


def check_address(kind: ChannelKind, address: Address) -> Address:
    """The address with what goes without saying filled in. Raises UsageError for what is missing, wrong or too much."""
    for name in address.secrets:
        if _SECRET_NAME.fullmatch(name) is None:
            _refuse(
                f"{name[:80]!r} cannot hold a channel's secret",
                f"name a variable such as {CHANNEL_SECRETS}OPS; its value stays in the environment of the workers",
            )
    if kind is ChannelKind.EMAIL:
        return _checked_mail(address)
    return _checked_webhook(kind, address)


def check_url(url: str, *, allow_private: bool) -> str:
    """Raises UsageError; the address itself is not repeated, for it may be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or not url.isascii() or not url.isprintable() or " " in url or parts.username is not None:
        _refuse("the address of the webhook cannot be used", "write it like https://example.com/hook, without a user")
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes:
        _refuse(
            "the address of a webhook begins with https://",
            "http:// is for private networks: `allowPrivate`, or --private",
        )
    return url


def _checked_webhook(kind: ChannelKind, address: Address) -> Address:
    mail = (address.host, address.port, address.security, address.username, address.sender, *address.recipients)
    if any(each is not None for each in mail):
        _refuse(f"a {kind} channel has no mail server", "leave out what belongs to e-mail")
    if kind is ChannelKind.SLACK and (address.url_env is None or address.url is not None or address.secret_env):
        _refuse(
            "the address of a Slack webhook is a secret", "name the variable that holds it as `urlEnv`, and no more"
        )
    if (address.url is None) == (address.url_env is None):
        _refuse("a webhook has one address", "give `url`, or `urlEnv` if the address is itself a secret")
    if kind is ChannelKind.WEBHOOK and address.secret_env is None:
        _refuse("webhooks are signed", "name the variable that holds the secret as `secretEnv`")
    if address.url is not None:
        check_url(address.url, allow_private=address.allow_private)
    return address


def _checked_mail(address: Address) -> Address:
    if address.url is not None or address.url_env is not None:
        _refuse("an e-mail channel has no webhook's address", "give `host`, `sender` and `recipients`")
    if address.host is None or _HOST.fullmatch(address.host) is None:
        _refuse("an e-mail channel needs the name of a mail server", "such as smtp.example.com")
    if not 1 <= len(address.recipients) <= MAX_RECIPIENTS:
        _refuse(f"an e-mail channel has 1 to {MAX_RECIPIENTS} recipients", "such as ops@example.com")
    for mailbox in (address.sender or "", *address.recipients):
        if _MAILBOX.fullmatch(mailbox) is None:
            _refuse(f"{mailbox[:80]!r} is no mailbox", "write plain addresses such as ops@example.com")
    if (address.username is None) != (address.secret_env is None):
        _refuse("a mail server's user and password go together", "give `username` and `secretEnv`, or neither")
    security = address.security or "starttls"
    if security == "none" and (not address.allow_private or address.username is not None):
        _refuse(
            "mail without encryption is for private networks, and never with a password",
            "use starttls or tls, or `allowPrivate` without a user",
        )
    return _with_port(address, security)


def _with_port(address: Address, security: Security) -> Address:
    return Address(
        secret_env=address.secret_env,
        host=None if address.host is None else address.host.strip("[]"),
        port=address.port or SMTP_PORTS[security],
        security=security,
        username=address.username,
        sender=address.sender,
        recipients=address.recipients,
        allow_private=address.allow_private,
    )


def _refuse(message: str, hint: str) -> NoReturn:
    raise UsageError(message, hint=hint)
