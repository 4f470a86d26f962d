"""Real receivers of messages on this machine: one that speaks HTTP and one that speaks SMTP."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass(slots=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class HttpReceiver:
    """Answers with the next of `answers`, the last of them again and again."""

    port: int = 0
    answers: list[str] = field(default_factory=lambda: ["204 No Content"])
    got: list[Request] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as a request has arrived that is never answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append(Request(line, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == "hang":
                self.hanging.set()
                await reader.read()
                return
            status, *more = answer.split("\n")
            writer.write("\r\n".join([f"HTTP/1.1 {status}", *more, "Content-Length: 0", "", ""]).encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass(slots=True)
class SmtpReceiver:
    """Takes mail; `refuses` answers a command otherwise. Offers to know a user when it is asked to."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    offers: Sequence[str] = ()
    starts: ssl.SSLContext | None = None
    """By what it encrypts when it is asked to; from then on it knows users."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                self.said.append(line)
                verb = line.partition(" ")[0].upper()
                await self._answer(verb, line, reader, writer)
                if verb == "STARTTLS" and self.starts is not None:
                    await writer.start_tls(self.starts)
                    self.offers = ("AUTH PLAIN",)
                if verb == "QUIT":
                    return
        except OSError:
            pass
        finally:
            writer.close()

    async def _answer(self, verb: str, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if verb in self.refuses:
            writer.write(f"{self.refuses[verb]}\r\n".encode())
            return
        if verb == "EHLO":
            offers = ["here", *self.offers]
            lines = [f"250{' ' if each is offers[-1] else '-'}{each}" for each in offers]
            writer.write("\r\n".join([*lines, ""]).encode())
        elif verb == "DATA":
            writer.write(b"354 go on\r\n")
            data = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
            self.got.append(message_from_bytes(data, policy=policy.default))  # pyright: ignore[reportArgumentType]
            writer.write(b"250 taken\r\n")
        else:
            if verb == "RCPT":
                self.recipients.append(line.partition("<")[2].rstrip(">"))
            code = {"QUIT": "221", "AUTH": "235", "STARTTLS": "220"}.get(verb, "250")
            writer.write(f"{code} fine\r\n".encode())


@asynccontextmanager
async def listening(
    receiver: HttpReceiver | SmtpReceiver, *, encrypted: ssl.SSLContext | None = None
) -> AsyncIterator[Any]:
    """The receiver on a free port."""
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=encrypted)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def text_of(mail: EmailMessage) -> str:
    return base64.b64decode(mail.get_payload()).decode().replace("\r\n", "\n")  # pyright: ignore[reportArgumentType]
