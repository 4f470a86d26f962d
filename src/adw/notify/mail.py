"""E-mail in plain text, handed to a mail server whose address was checked, by the standard library in a thread."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import format_datetime

from adw.domain.channels import Address
from adw.domain.notification_text import Message, Told, one_line
from adw.notify.addresses import Resolve, checked_addresses
from adw.notify.errors import UndeliveredError
from adw.notify.trust import trusted

TIMEOUT_S = 10.0
"""Of each exchange with the mail server."""
WHOLE_S = 60.0
MAX_SUBJECT_CHARS = 150

_PERMANENT = 500
_COLUMNS = ((16, "WHEN (UTC)"), (22, "WHAT"))


def mail_of(message: Message, address: Address) -> EmailMessage:
    """The message as mail; each attempt has the same id, so that mail servers can know a repetition."""
    mail = EmailMessage(policy=MAIL_POLICY)
    sender = address.sender or ""
    mail["From"] = _mailbox(sender)
    mail["To"] = tuple(_mailbox(each) for each in address.recipients)
    mail["Subject"] = one_line(f"[adw] {message.summary}", limit=MAX_SUBJECT_CHARS)
    mail["Message-ID"] = f"<{message.delivery_id}@{sender.rpartition('@')[2]}>"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-ADW-Delivery"] = message.delivery_id
    mail.set_content("\n".join(_lines(message)) + "\n", cte="base64")
    return mail


async def send_mail(mail: EmailMessage, address: Address, *, password: str | None, resolve: Resolve) -> None:
    """Raises UndeliveredError unless the mail server takes it for at least one recipient."""
    host, port = address.host or "", address.port or 0
    addresses = await checked_addresses(host, port, allow_private=address.allow_private, resolve=resolve)
    line = _Line(host, port, addresses)
    sending = asyncio.create_task(asyncio.to_thread(_hand_over, line, mail, address, password))
    sending.add_done_callback(_forget)
    try:
        async with asyncio.timeout(WHOLE_S):
            await asyncio.shield(sending)
    except smtplib.SMTPResponseException as error:
        is_final = error.smtp_code >= _PERMANENT
        raise UndeliveredError(f"the mail server answered {error.smtp_code}", is_final=is_final) from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        is_final = all(code >= _PERMANENT for code in codes)
        raise UndeliveredError(f"the mail server refused all recipients ({codes})", is_final=is_final) from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise UndeliveredError(f"the mail server did not take it ({type(error).__name__})") from error
    finally:
        line.cut()


class _Line:
    """The connection of a thread, which its event loop can cut."""

    def __init__(self, host: str, port: int, addresses: Sequence[str]) -> None:
        self.host = host
        self.port = port
        self._addresses = addresses
        self._held: socket.socket | None = None
        self._is_cut = False

    def open(self, timeout_s: float) -> socket.socket:
        """Connects to the first of the checked addresses that answers. Raises OSError."""
        for place, address in enumerate(self._addresses, start=1):
            try:
                opened = socket.create_connection((address, self.port), timeout_s)
            except OSError:
                if self._is_cut or place == len(self._addresses):
                    raise
            else:
                self._held = opened.dup()  # what encrypts a connection takes the socket away from whoever opened it
                return opened
        raise OSError("no address")

    def cut(self) -> None:
        """Whatever the thread does with it from here on fails at once."""
        self._is_cut = True
        if self._held is not None:
            with suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)
            self._held.close()


class _Plain(smtplib.SMTP):
    """SMTP over a connection of ours, and, where it says so, encrypted by STARTTLS."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(line.host, line.port, timeout=TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 # smtplib's hook
        return self._line.open(timeout)


class _Encrypted(_Plain):
    """SMTP over TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = super()._get_socket(host, port, timeout)
        return trusted("smtp").wrap_socket(opened, server_hostname=self._line.host)


def _hand_over(line: _Line, mail: EmailMessage, address: Address, password: str | None) -> None:
    with _Encrypted(line) if address.security == "tls" else _Plain(line) as server:
        if address.security == "starttls":
            server.starttls(context=trusted("smtp"))
        if address.username is not None and password is not None:
            server.login(address.username, password)
        server.send_message(mail, from_addr=address.sender, to_addrs=list(address.recipients))


def _forget(sending: asyncio.Task[None]) -> None:
    """Nobody waits for it any more; how it ended has been said, or does not matter."""
    if not sending.cancelled():
        sending.exception()


def _mailbox(text: str) -> Mailbox:
    return Mailbox(addr_spec=text)


def _lines(message: Message) -> Iterator[str]:
    yield message.summary
    if len(message.told) > 1:
        yield ""
        yield from _table(message)
    for told in message.told:
        yield ""
        if len(message.told) > 1:
            yield f"{told.label}: {told.subject}"
        if told.message:
            yield f"  {told.message}"
        yield from (f"  {line}" for line in _answer(told))
    if message.omitted:
        yield ""
        yield f"and {message.omitted} more"


def _table(message: Message) -> Iterator[str]:
    yield "  ".join(f"{name:<{width}}" for width, name in _COLUMNS) + "  RUN"
    for told in message.told:
        cells = (f"{told.at.astimezone(UTC):%Y-%m-%d %H:%M}", told.label)
        row = "  ".join(f"{cell:<{width}}" for (width, _), cell in zip(_COLUMNS, cells, strict=True))
        yield f"{row}  {told.subject}"


def _answer(told: Told) -> Iterator[str]:
    asked = told.asked
    if asked is None:
        return
    if asked.decision != "pending":
        yield f"already {asked.decision}"
        return
    if asked.link is not None:
        yield f"answer it here: {asked.link}"
    yield f"or with: {asked.command}" if asked.link is not None else f"answer it with: {asked.command}"
