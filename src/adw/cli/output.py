"""How commands print: data on standard output, everything said to a person on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any

_STATUS_STYLES = {
    "completed": "green",
    "ready": "green",
    "merged": "magenta",
    "ok": "green",
    "passed": "green",
    "open": "green",
    "active": "cyan",
    "queued": "blue",
    "draft": "blue",
    "waiting": "yellow",
    "paused": "yellow",
    "warning": "yellow",
    "failed": "red",
    "missing": "red",
    "cancelled": "bright_black",
    "closed": "bright_black",
}
_NONE = "-"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def print_json(value: Any) -> None:
    """The one document a command with `--json` prints."""
    sys.stdout.write(as_document(value))


def as_document(value: Any) -> str:
    """The same as text."""
    return json.dumps(value, indent=2, default=_jsonable, ensure_ascii=False) + "\n"


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Aligned columns: with colour and cut to the window on a terminal, plain and whole elsewhere."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
    elif sys.stdout.isatty():
        _print_rich(headers, cells)
    else:
        _print_plain(headers, cells)


def print_fields(fields: Mapping[str, object]) -> None:
    """One fact a line; what is None is left out."""
    known = {name: str(value) for name, value in fields.items() if value is not None}
    width = max((len(name) for name in known), default=0)
    for name, value in known.items():
        print(f"{name:<{width}}  {value}")


def say(text: str) -> None:
    """A sentence for a person."""
    print(text, file=sys.stderr, flush=True)


def dollars(value: object) -> str:
    """An amount of US dollars; `unknown` when there is no price."""
    if value is None:
        return "unknown"
    amount = float(str(value))
    return f"${amount:.4f}" if 0 < amount < 0.1 else f"${amount:.2f}"  # noqa: PLR2004 - small amounts need more digits


def duration(milliseconds: float | None) -> str:
    """`1 m 05 s`, `12.3 s`."""
    if milliseconds is None:
        return _NONE
    seconds = milliseconds / 1000
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), _MINUTE_S)
    return f"{minutes} m {rest:02} s" if minutes < _MINUTE_S else f"{minutes // 60} h {minutes % 60:02} m"


def ago(moment: object) -> str:
    """How long ago an ISO 8601 moment was."""
    if not moment:
        return _NONE
    then = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    seconds = max(0.0, (datetime.now(UTC) - then).total_seconds())
    for unit_s, letter in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "m")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)}{letter} ago"
    return f"{int(seconds)}s ago"


def first_line(text: str | None, *, width: int = 100) -> str:
    """The first line that says something, cut to `width`."""
    line = printable(next((line.strip() for line in (text or "").splitlines() if line.strip()), ""))
    return line if len(line) <= width else line[: width - 1] + "…"


def one_line(text: str | None, *, width: int = 100) -> str:
    """All of a text on one line, cut to `width`."""
    joined = printable(" ".join((text or "").split()))
    return joined if len(joined) <= width else joined[: width - 1] + "…"


def printable(text: str) -> str:
    """Text of others without what would steer a terminal; newlines and tabs stay."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def wants_colour(stream: Any) -> bool:
    """Colour on a terminal that has not asked for none."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print_plain(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (headers, *cells)) for column in range(len(headers))]
    for row in (headers, *cells):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="ellipsis", no_wrap=True)
    for row in cells:
        table.add_row(*(Text(cell, style=_STATUS_STYLES.get(cell.split(" ")[0], "")) for cell in row))
    Console().print(table)


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
