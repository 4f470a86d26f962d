"""Frames of the live stream, both ways. Everything a client may send is named here; the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import Field, StrictInt, TypeAdapter, ValidationError

from adw.api.wire import Body
from adw.kit.errors import UsageError
from adw.stream import ALL

MAX_FRAME_CHARS = 65_536
_MAX_SEQ = 2**63 - 1
_KNOWN = "authenticate, subscribe, unsubscribe, ping and pong"

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
"""A workflow's full id, or `*`."""


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


class Subscribe(Body):
    """Asks for a feed."""

    type: Literal["subscribe"]
    adw_id: Name
    after: Annotated[StrictInt, Field(ge=0, le=_MAX_SEQ)] | Annotated[str, Field(max_length=100)] | None = None
    """`seq` of a workflow, or the cursor of an event of all workflows; None: from now on."""


class Unsubscribe(Body):
    """Asks for no more of a feed."""

    type: Literal["unsubscribe"]
    adw_id: Name


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


def server_frame(kind: str, *, adw_id: str | None = None, data: Mapping[str, Any] | None = None) -> str:
    """A frame that is no event."""
    frame: dict[str, Any] = {"type": kind, "timestamp": datetime.now(UTC)}
    if adw_id is not None:
        frame["adwId"] = adw_id
    if data is not None:
        frame["data"] = data
    return orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode()


def error_frame(code: str, message: str, *, hint: str | None = None, adw_id: str | None = None) -> str:
    return server_frame("error", adw_id=adw_id, data={"code": code, "message": message, "hint": hint})


def _checked(frame: ClientFrame) -> ClientFrame:
    if (
        isinstance(frame, Subscribe)
        and frame.after is not None
        and isinstance(frame.after, str) != (frame.adw_id == ALL)
    ):
        raise FrameError(
            "`after` does not fit the feed", hint="a number for a workflow, the `cursor` of an event for `*`"
        )
    return frame


def _refusal(error: ValidationError) -> FrameError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return FrameError("the frame is not valid JSON", hint='send an object such as {"type": "ping"}')
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return UnknownFrameError("the frame has no type that is known", hint=f"there are {_KNOWN}")
    place = ".".join(str(part) for part in first["loc"][1:])
    return FrameError(f"{place}: {first['msg']}" if place else str(first["msg"]))
