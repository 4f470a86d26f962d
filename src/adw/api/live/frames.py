"""Frames of the live stream, both ways. Everything a client may send is named here; the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import Field, StrictInt, TypeAdapter, ValidationError

from adw.api.wire import Body
from adw.kit.errors import UsageError
from adw.stream import AGENT_PREFIX, ALL, CHAT_PREFIX

MAX_FRAME_CHARS = 65_536
_MAX_SEQ = 2**63 - 1
_KNOWN = "authenticate, subscribe, unsubscribe, ping and pong"

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
"""A workflow's full id or `*`; an orchestrator's id or `own`; a free agent's name or id."""

WORKFLOW, ORCHESTRATOR, AGENT = "adwId", "orchestrator", "agent"
"""The fields that name feeds."""

Of: TypeAlias = tuple[str, str]
"""The feed that a frame is about: the field that names it, and the name."""


SERVER_FRAMES: Mapping[str, str] = {
    "connection_established": "the first frame: `data.clientId`, and whether the headers said who the client is",
    "authenticated": "the token in the client's first frame was taken",
    "subscribed": "a feed is followed from the place in `data`: `lastSeq` or `cursor`",
    "unsubscribed": "nothing of the feed comes after this",
    "chat_message": "an entry of a conversation: `seq`, and in `data` `kind` (message, event, text, thinking, "
    "tool_use, tool_result, answer, notice), `message`, `turnId`, `senderType`, `metadata`",
    "chat_delta": "text that the orchestrator is writing; not kept",
    "turn_started": "the orchestrator begins to answer `data.turnId`; not kept",
    "turn_ended": "the orchestrator has answered `data.turnId`; not kept",
    "agent_log": "an entry of a free agent's log: `seq`, and in `data` `kind`, `summary`, `body`, `commandId` and "
    "`metadata`",
    "agent_delta": "text that an agent is writing; not kept",
    "lagged": "the client read too slowly and was unsubscribed; `data` says after which place to subscribe again",
    "error": "what the client sent cannot be done: `code`, `message` and `hint` in `data`",
    "ping": "to be answered with `pong`",
    "pong": "the answer to `ping`",
}
"""Everything a server sends on sockets besides events."""


class FrameError(UsageError):
    """A frame that cannot be used; the socket stays open"""

    code = "bad_frame"


class UnknownFrameError(FrameError):
    """A frame of a type that does not exist"""

    code = "unknown_type"


class Authenticate(Body):
    """Says who the client is, where headers could not."""

    type: Literal["authenticate"]
    token: Annotated[str, Field(min_length=1, max_length=4096)]


class _Feed(Body):
    """Names exactly one feed."""

    adw_id: Name | None = None
    orchestrator: Name | None = None
    agent: Name | None = None

    @property
    def of(self) -> Of:
        named = ((WORKFLOW, self.adw_id), (ORCHESTRATOR, self.orchestrator), (AGENT, self.agent))
        given = [(field, name) for field, name in named if name is not None]
        if len(given) != 1:
            raise FrameError(f"it names {len(given)} feeds", hint="pass one of `adwId`, `orchestrator` and `agent`")
        return given[0]


class Subscribe(_Feed):
    """Asks for a feed."""

    type: Literal["subscribe"]
    after: Annotated[StrictInt, Field(ge=0, le=_MAX_SEQ)] | Annotated[str, Field(max_length=100)] | None = None
    """`seq` within the feed, or the cursor of an event of all workflows; None: from now on."""


class Unsubscribe(_Feed):
    """Asks for no more of a feed."""

    type: Literal["unsubscribe"]


class Ping(Body):
    """Asks whether we are there."""

    type: Literal["ping"]


class Pong(Body):
    """Says that the client is there."""

    type: Literal["pong"]


ClientFrame: TypeAlias = Authenticate | Subscribe | Unsubscribe | Ping | Pong

_FRAMES: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def read_frame(text: str | None) -> ClientFrame:
    """What a client says; None stands for a binary frame. Raises FrameError with the reason."""
    if text is None:
        raise FrameError("frames are text", hint="send JSON as text")
    if len(text) > MAX_FRAME_CHARS:
        raise FrameError(f"the frame has more than {MAX_FRAME_CHARS} characters", hint="no frame needs that many")
    try:
        return _checked(_FRAMES.validate_json(text))
    except ValidationError as error:
        raise _refusal(error) from error
    except UnicodeEncodeError as error:
        raise FrameError("the frame is not valid UTF-8") from error


def server_frame(kind: str, *, of: Of | None = None, data: Mapping[str, Any] | None = None) -> str:
    """A frame that is no event."""
    frame: dict[str, Any] = {"type": kind, "timestamp": datetime.now(UTC)}
    if of is not None:
        frame[of[0]] = of[1]
    if data is not None:
        frame["data"] = data
    return orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode()


def log_frame(kind: str, at: datetime, *, of: Of, seq: int, data: Mapping[str, Any]) -> str:
    """An entry of a log, such as a conversation."""
    frame = {"type": kind, "timestamp": at, of[0]: of[1], "seq": seq, "data": data}
    return orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode()


def error_frame(code: str, message: str, *, hint: str | None = None, of: Of | None = None) -> str:
    return server_frame("error", of=of, data={"code": code, "message": message, "hint": hint})


def feed_named(name: str) -> Of:
    """How clients call the feed that this process knows by this name."""
    for field, prefix in ((ORCHESTRATOR, CHAT_PREFIX), (AGENT, AGENT_PREFIX)):
        if name.startswith(prefix):
            return field, name.removeprefix(prefix)
    return WORKFLOW, name


def _checked(frame: ClientFrame) -> ClientFrame:
    if not isinstance(frame, _Feed):
        return frame
    is_all = frame.of == (WORKFLOW, ALL)
    if isinstance(frame, Subscribe) and frame.after is not None and isinstance(frame.after, str) != is_all:
        hint = "a number, or the `cursor` of an event for `*`"
        raise FrameError("`after` does not fit the feed", hint=hint)
    return frame


def _refusal(error: ValidationError) -> FrameError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return FrameError("the frame is not valid JSON", hint='send an object such as {"type": "ping"}')
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return UnknownFrameError("the frame has no type that is known", hint=f"there are {_KNOWN}")
    place = ".".join(str(part) for part in first["loc"][1:])
    return FrameError(f"{place}: {first['msg']}" if place else str(first["msg"]))
