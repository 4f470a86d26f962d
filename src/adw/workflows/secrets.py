"""What looks like a credential in a diff. Only lines that were added count, and no value is ever repeated."""

from __future__ import annotations

import re

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
    path = "?"
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/").strip('"')
        elif line.startswith("+"):
            for name, pattern in _PATTERNS.items():
                if pattern.search(line):
                    found[f"{name} in {path}"] = None
    return list(found)
