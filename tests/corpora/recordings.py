"""Recorded exchanges with GitHub, as the tests of other clients keep them."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`where` is the file it comes from."""

    where: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes


def pygithub_exchanges(archive: Path) -> Iterator[Exchange]:
    """Eleven lines each: scheme, method, host, port, address, headers, input, status, headers, body, nothing."""
    for name, content in _members(archive, r"/tests/ReplayData/[^/]+\.txt$"):
        lines, at = content.decode().split("\n"), 0
        while at + 9 < len(lines):
            if lines[at] not in {"http", "https"}:
                at += 1
                continue
            yield Exchange(
                where=name,
                method=lines[at + 1],
                path=urlsplit(lines[at + 4]).path,
                status=int(lines[at + 7]),
                headers={key.lower(): str(value) for key, value in ast.literal_eval(lines[at + 8])},
                body=lines[at + 9].encode(),
            )
            at += 10


def github3_exchanges(archive: Path) -> Iterator[Exchange]:
    for name, content in _members(archive, r"/tests/cassettes/[^/]+\.json$"):
        for found in json.loads(content)["http_interactions"]:
            response = found["response"]
            headers = {key.lower(): _first(value) for key, value in response["headers"].items()}
            yield Exchange(
                where=name,
                method=found["request"]["method"],
                path=urlsplit(found["request"]["uri"]).path,
                status=response["status"]["code"] if "status" in response else response["status_code"],
                headers=headers,
                body=_body(response["body"], headers),
            )


def _members(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as files:
        for member in files:
            if member.isfile() and re.search(pattern, member.name):
                file = files.extractfile(member)
                assert file is not None
                yield member.name, file.read()


def _body(body: dict[str, Any], headers: dict[str, str]) -> bytes:
    if "base64_string" not in body:
        return str(body.get("string") or "").encode()
    raw = base64.b64decode(body["base64_string"])
    try:
        return gzip.decompress(raw) if headers.get("content-encoding") == "gzip" and raw else raw
    except (OSError, EOFError, zlib.error):
        return raw


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)
