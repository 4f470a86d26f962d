"""What lies in a workflow's places on a machine beside the work itself."""

from __future__ import annotations

from pathlib import Path

PRIVATE_FILES = (
    ".ports.env",
    "**/__pycache__/**",
    "**/*.pyc",
    "**/.pytest_cache/**",
    "**/.venv/**",
    "**/node_modules/**",
    "**/*.egg-info/**",
    "**/.coverage",
    "**/.mypy_cache/**",
    "**/.ruff_cache/**",
    "**/.gradle/**",
    "**/.kotlin/**",
    "**/.DS_Store",
)
"""What tools leave in a working tree whatever the repository's own ignore rules say; never committed."""


def presence_file(work_dir: Path, adw_id: str) -> Path:
    """Held by every process that executes a leg of the workflow, and so may touch its worktree."""
    return work_dir / adw_id / "at-work"
