"""Options and arguments that several commands share, so that they look and read the same everywhere."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Repo: TypeAlias = Annotated[
    str,
    typer.Option(
        "--repo", metavar="PATH", show_default="this folder", help="The repository: a folder, or owner/name on GitHub."
    ),
]
AdwId: TypeAlias = Annotated[
    str, typer.Argument(metavar="ADW_ID", help="A workflow's id, or a unique beginning of it.")
]
Number: TypeAlias = Annotated[int, typer.Argument(min=1, metavar="NUMBER", help="Its number.")]
