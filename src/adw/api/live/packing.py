"""Texts as they go over the wire: what a server sends is alike for everyone, so it can be put together by hand.

A message from a server is a header of two to ten bytes and its text, neither masked nor, here, compressed (RFC 6455).
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence

BATCH_EXTENSION = "adw.batch"
"""Among a socket's ASGI extensions, where the server has it: a `SendTexts`."""

SendTexts = Callable[[Sequence[str]], Awaitable[None]]
"""Sends each text as a message of its own; waits while the other side does not read."""

PORTION_CHARS = 1 << 16
"""Written at once; a socket whose client does not read keeps no more than that and what the system buffers."""
_WHOLE_TEXT = 0x81
_SHORT, _MEDIUM, _LONG = 125, 126, 127
_MEDIUM_MOST = 0xFFFF


def portions(texts: Sequence[str], *, most_chars: int = PORTION_CHARS) -> Iterator[Sequence[str]]:
    """The texts in their order, as many at once as are not too long together; one that is too long comes alone."""
    start, chars = 0, 0
    for place, text in enumerate(texts):
        if chars and chars + len(text) > most_chars:
            yield texts[start:place]
            start, chars = place, 0
        chars += len(text)
    if start < len(texts):
        yield texts[start:]


def packed(texts: Sequence[str]) -> bytes:
    """All messages, one after the other."""
    parts: list[bytes] = []
    for text in texts:
        body = text.encode()
        parts += (_header(len(body)), body)
    return b"".join(parts)


def _header(length: int) -> bytes:
    if length <= _SHORT:
        return bytes((_WHOLE_TEXT, length))
    if length <= _MEDIUM_MOST:
        return struct.pack(">BBH", _WHOLE_TEXT, _MEDIUM, length)
    return struct.pack(">BBQ", _WHOLE_TEXT, _LONG, length)
