"""What `adw.toml` says of calls that a person must allow."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from adw.domain.tool_rules import ToolRule
from adw.kit.errors import UsageError


def _is_rule(text: str) -> str:
    try:
        ToolRule.parse(text)
    except UsageError as error:
        raise ValueError(error.message) from error
    return text


AskBefore = tuple[Annotated[str, AfterValidator(_is_rule)], ...]
"""Rules, as they are written."""
