"""One socket from its first frame to its last: who it is, what it follows, and whether anybody is still there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from adw.api.access import Principal, check_access
from adw.api.access.openings import Openings
from adw.api.live.frames import (
    WORKFLOW,
    Authenticate,
    ClientFrame,
    FrameError,
    Of,
    Ping,
    Subscribe,
    Unsubscribe,
    error_frame,
    feed_named,
    read_frame,
    server_frame,
)
from adw.api.live.logs import open_log
from adw.api.live.outbox import Outbox
from adw.api.live.packing import BATCH_EXTENSION, SendTexts
from adw.kit.errors import AdwError, AuthenticationError, DatabaseError, UsageError
from adw.kit.log import get_logger
from adw.stream import ALL, Feed, Subscription

_CLOSE_S = 1.0

_log = get_logger("live")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """How long a socket is waited for, and how much it may follow."""

    authenticate_s: float = 5.0
    ping_s: float = 30.0
    """Between our pings; the token is looked at again each time."""
    silence_s: float = 75.0
    """Without any frame from the client, such as a pong, it is taken for dead."""
    subscriptions: int = 256


@dataclass(frozen=True, slots=True)
class Close:
    """How a socket ends: a code of RFC 6455 or one of ours, and the reason in a few words."""

    code: int
    reason: str


GONE = Close(1000, "")
RESTARTING = Close(1012, "the server restarts: connect again and subscribe after the last seq you have")
TRY_LATER = Close(1013, "the database cannot be used at the moment: connect again later")
NOT_LET_IN = Close(4401, "a valid token is needed, from the start and for as long as the socket is open")
SILENT = Close(4408, "nothing was heard for too long: answer each ping with a pong")


class TooManySubscriptionsError(UsageError):
    """The socket follows as much as one socket may"""

    code = "too_many_subscriptions"


class Session:
    """Holds one socket. `run` returns when it is closed."""

    def __init__(self, socket: WebSocket, *, feed: Feed, limits: SocketLimits) -> None:
        self._socket = socket
        self._feed = feed
        self._limits = limits
        self._outbox = Outbox()
        self._followed: dict[Of, Subscription[Any]] = {}
        """By what the client called them."""
        self._token: str | None = None
        """What was given in a frame instead of in the headers."""
        self._principal: Principal | None = None
        self._heard_at = time.monotonic()

    async def run(self) -> None:
        await self._socket.accept()
        try:
            end = await self._let_in()
            if end is None:
                end = await self._first_of([self._listen(), self._deliver(), self._watch()])
        except WebSocketDisconnect:
            end = GONE
        finally:
            for subscription in self._followed.values():
                subscription.close()
        await self._close(end)

    async def _let_in(self) -> Close | None:
        """Greets the client and finds out who it is; how it ends if that fails."""
        try:
            is_known = await self._is_let_in()
            await self._send(_greeting(is_authenticated=is_known))
            if is_known:
                return None
            async with asyncio.timeout(self._limits.authenticate_s):
                await self._authenticate(read_frame(await self._receive()))
        except (AuthenticationError, FrameError) as error:
            hint = 'send {"type": "authenticate", "token": TOKEN} first, or an Authorization header'
            await self._send(error_frame(AuthenticationError.code, error.message, hint=hint))
            return NOT_LET_IN
        except TimeoutError:
            return NOT_LET_IN
        except DatabaseError:
            return TRY_LATER
        await self._send(server_frame("authenticated"))
        return None

    async def _authenticate(self, frame: ClientFrame) -> None:
        if not isinstance(frame, Authenticate):
            raise AuthenticationError("the first frame must say who you are")
        self._token = frame.token
        if not await self._is_let_in():
            raise AuthenticationError("the token is wrong")

    async def _is_let_in(self) -> bool:
        peer = self._socket.client.host if self._socket.client else None
        found = await check_access(self._socket.app, headers=self._socket.headers, token=self._token, peer=peer)
        self._principal = found or self._principal
        return found is not None

    async def _listen(self) -> Close:
        """Does what the client asks for until it goes away."""
        while True:
            await self._outbox.room()
            try:
                text = await self._receive()
            except WebSocketDisconnect:
                return GONE
            self._heard_at = time.monotonic()
            of: Of | None = None
            try:
                frame = read_frame(text)
                of = getattr(frame, "of", None)
                await self._do(frame)
            except AdwError as error:
                self._outbox.answer(error_frame(error.code, error.message, hint=error.hint, of=of))

    async def _do(self, frame: ClientFrame) -> None:
        match frame:
            case Subscribe():
                await self._subscribe(frame)
            case Unsubscribe():
                self._leave(frame.of)
                self._outbox.answer(server_frame("unsubscribed", of=frame.of, data=dict([frame.of])))
            case Ping():
                self._outbox.answer(server_frame("pong"))
            case Authenticate():
                raise FrameError("this socket has been let in already", hint="open another one to be somebody else")
            case _:  # a pong has done its work by being heard
                pass

    async def _subscribe(self, frame: Subscribe) -> None:
        """Follows a feed; one that is followed already begins anew at the place asked for."""
        self._leave(frame.of)
        self._followed = {of: each for of, each in self._followed.items() if each.is_open}
        if len(self._followed) >= self._limits.subscriptions:
            raise TooManySubscriptionsError(
                f"a socket may follow {self._limits.subscriptions} feeds", hint="unsubscribe, or open another socket"
            )
        subscription, known = await self._follow(frame)
        self._followed[frame.of] = subscription
        of = feed_named(subscription.name)
        self._outbox.answer(server_frame("subscribed", of=of, data={of[0]: of[1], **known}))

    async def _follow(self, frame: Subscribe) -> tuple[Subscription[Any], dict[str, Any]]:
        """Also what is to be known of the place where it begins."""
        (field, name), wake = frame.of, self._outbox.wake
        if name == ALL and field == WORKFLOW:
            after = None if frame.after is None else str(frame.after)
            everything = await self._feed.follow_all(after=after, wake=wake)
            return everything, {"cursor": str(everything.at)}
        number = None if frame.after is None else int(frame.after)
        if field == WORKFLOW:
            events = await self._feed.follow(name, after=number, wake=wake)
            return events, {"lastSeq": events.at}
        log = await open_log(self._socket.app, field, name)
        entries, standing = await self._feed.follow_log(log, after=number, wake=wake)
        return entries, {"lastSeq": entries.at, **standing}

    def _leave(self, of: Of) -> None:
        left = self._followed.pop(of, None)
        if left is not None:
            left.close()

    async def _deliver(self) -> Close:
        try:
            await self._outbox.deliver(self._send_texts())
        except Exception as error:  # noqa: BLE001 - the boundary of a socket's sender: servers differ in what they raise
            _log.debug("socket_lost", reason=repr(error))
        return GONE

    async def _watch(self) -> Close:
        """Pings now and then; ends the socket when the server stops, the client is silent or may no longer listen."""
        openings: Openings = self._socket.app.state.openings
        assert self._principal is not None  # noqa: S101 # nobody else is watched
        over = asyncio.Event()
        async with openings.opened(self._principal, wake=over.set) as opening:
            while not opening.is_over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.ping_s):
                        await over.wait()
                        break
                if time.monotonic() - self._heard_at > self._limits.silence_s:
                    return SILENT
                with suppress(DatabaseError):  # whoever was let in before is believed while nobody can be asked
                    if not await self._is_let_in():
                        return NOT_LET_IN
                self._outbox.answer(server_frame("ping"))
            return NOT_LET_IN if opening.is_withdrawn else RESTARTING

    async def _first_of(self, works: Sequence[Any]) -> Close:
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(iter(done)).result()

    async def _receive(self) -> str | None:
        """The text of the next frame; None if it was no text."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", GONE.code))
        return message.get("text")

    def _send_texts(self) -> SendTexts:
        """The server's own way to send several at once, where it has one."""
        return self._socket.scope.get("extensions", {}).get(BATCH_EXTENSION) or self._send_each

    async def _send_each(self, texts: Sequence[str]) -> None:
        for text in texts:
            await self._send(text)

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text})

    async def _close(self, end: Close) -> None:
        if end is GONE or self._socket.application_state is not WebSocketState.CONNECTED:
            return
        with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):  # nobody may be there to hear it
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close(end.code, end.reason)


def _greeting(*, is_authenticated: bool) -> str:
    return server_frame(
        "connection_established", data={"clientId": uuid4().hex[:12], "authenticated": is_authenticated}
    )
