"""`server.json`: where a data directory's server answers, and who it is. Readable by its owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adw.kit.process.identity import ProcessIdentity, identify, is_alive


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """A running server. `started_at` and `pid` name its process, whose pid alone could be another's by now."""

    url: str
    token: str
    pid: int
    started_at: int
    fingerprint: Mapping[str, str]

    @property
    def process(self) -> ProcessIdentity:
        return ProcessIdentity(pid=self.pid, started_at=self.started_at)

    @property
    def is_alive(self) -> bool:
        """Whether the process that wrote this record still runs."""
        return is_alive(self.process)


def record_of_this_process(*, url: str, token: str, fingerprint: Mapping[str, str]) -> ServerRecord:
    """What this process says about itself once it answers."""
    myself = identify()
    started_at = 0 if myself is None else myself.started_at
    return ServerRecord(url=url, token=token, pid=os.getpid(), started_at=started_at, fingerprint=fingerprint)


def write_record(path: Path, record: ServerRecord) -> None:
    """Puts the record in place at once: a reader sees the old one or the new one, never half of it."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(_to_json(record), file, indent=1)
    draft.replace(path)


def read_record(path: Path) -> ServerRecord | None:
    """The record, whoever wrote it; None when there is none that can be read."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return ServerRecord(
            url=str(data["url"]),
            token=str(data["token"]),
            pid=int(data["pid"]),
            started_at=int(data["startedAt"]),
            fingerprint={str(name): str(value) for name, value in data["fingerprint"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remove_record(path: Path, record: ServerRecord) -> None:
    """Removes the record unless a later server has written its own."""
    if read_record(path) == record:
        path.unlink(missing_ok=True)


def _to_json(record: ServerRecord) -> dict[str, Any]:
    data = asdict(record)
    data["startedAt"] = data.pop("started_at")
    return data
