"""What the architecture tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources(root: Path) -> list[Path]:
    """Our own modules; the demo's sample is a project of its own."""
    found = sorted((root / "src").rglob("*.py"))
    return [path for path in found if not path.is_relative_to(root / "src/adw/demo/sample")]
