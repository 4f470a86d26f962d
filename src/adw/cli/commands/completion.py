"""`adw completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

VARIABLE = "_ADW_COMPLETE"
"""Set by a shell's completion script when it calls us."""


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a shell's completion script.

    For bash: adw completion bash > ~/.local/share/bash-completion/completions/adw
    """
    from adw.cli.app import app

    os.environ[VARIABLE] = f"source_{shell}"
    prepare_completion()
    app(args=[], prog_name="adw", standalone_mode=False)


def prepare_completion() -> None:
    """Teaches the command parser the shells."""
    from typer._completion_classes import completion_init

    completion_init()
