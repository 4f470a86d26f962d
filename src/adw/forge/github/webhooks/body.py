"""The body of a delivery as JSON, in either of the two encodings a webhook can be set to."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl

import orjson

from adw.domain.triggers import Refused, Why

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_FIELD = "payload"


def parse_body(body: bytes, *, content_type: str | None) -> dict[str, Any]:
    """Raises Refused for another encoding, and for what is not one JSON object."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == JSON:
        return _object(body)
    if kind == FORM:
        return _object(_field(body))
    raise Refused(
        Why.UNKNOWN_ENCODING, f"content type {kind[:60]!r} is not understood; set the webhook to {JSON} or {FORM}"
    )


def _field(body: bytes) -> bytes:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=2)
    except ValueError as error:
        raise Refused(Why.MALFORMED, "the body is not a form") from error
    values = [value for name, value in pairs if name == _FIELD]
    if len(values) != 1 or len(pairs) != 1:
        raise Refused(Why.MALFORMED, f"the form does not have exactly the field `{_FIELD}`")
    return values[0].encode("utf-8", "surrogatepass")


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(Why.MALFORMED, f"the body is not JSON: {str(error)[:100]}") from error
    if not isinstance(value, dict):
        raise Refused(Why.MALFORMED, "the body is not a JSON object")
    return cast("dict[str, Any]", value)
