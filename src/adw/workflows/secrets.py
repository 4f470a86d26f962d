"""What looks like a credential in a diff. Only lines that were added count, and no value is ever repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PATTERNS: dict[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----"),
    "an Anthropic key": re.compile(r"\bsk-ant-(?:api|oat|admin)\d{2}-[A-Za-z0-9_-]{24,}"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a Slack token": re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{20,}"),
    "a Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a Stripe key": re.compile(r"\b[sr]k_live_[0-9A-Za-z]{24,}"),
}


def find_secrets(diff: str) -> list[str]:
    """Descriptions such as `a GitHub token in src/app.py`, each once; `[]` when the diff is clean."""
    found: dict[str, None] = {}
    for path, line in _added(diff):
        for name, pattern in _PATTERNS.items():
            if pattern.search(line):
                found[f"{name} in {path}"] = None
    return list(found)


def _added(diff: str) -> Iterator[tuple[str, str]]:
    """Added lines with their file. Only a line before the first hunk of a file names it; `++ x` may be content."""
    path, is_header = "?", True
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            path, is_header = "?", True
        elif line.startswith("@@ "):
            is_header = False
        elif is_header and line.startswith("+++ "):
            path = _shown(line[4:].rstrip("\t\r").strip('"').removeprefix("b/"))
        elif line.startswith("+"):
            yield path, line


def _shown(path: str) -> str:
    """A name that holds a secret itself is not repeated."""
    return "a file name" if any(pattern.search(path) for pattern in _PATTERNS.values()) else path
