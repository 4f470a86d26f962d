"""Which processes report coverage. Measuring doubles their time, so those that others stand for do not."""

from __future__ import annotations

import os
from collections.abc import Mapping


def unmeasured(environ: Mapping[str, str]) -> dict[str, str]:
    """For the environment of a process that need not be measured."""
    return {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}


def is_measuring() -> bool:
    """Whether coverage is being measured, in this process and those it starts."""
    return any(name.startswith("COVERAGE_") for name in os.environ)
