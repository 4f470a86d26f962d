"""Which of our environment variables a foreign program may see."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_ALLOWED = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "TMPDIR"})
_ALLOWED_PREFIXES = ("LC_",)
# Package mirrors, proxies and certificates: without them a project's setup command cannot work behind a firewall.
_ALLOWED_CERTIFICATES = frozenset(
    {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
)
_ALLOWED_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
_ALLOWED_UNLESS_SECRET = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
# These name our own installation: a project's `uv sync` would change it.
_OURS = frozenset({"UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "PIP_PREFIX", "PIP_TARGET", "PIP_PYTHON"})
_SECRET_NAME = re.compile(r"token|password|passwd|secret|key|auth|credential", re.IGNORECASE)


def clean_environment(base: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The allowed part of `base`, without our own tools on PATH, overlaid by `extra` (which may hold anything)."""
    kept = {name: value for name, value in base.items() if _is_allowed(name)}
    if "PATH" in kept:
        kept["PATH"] = _without_our_tools(kept["PATH"])
    return kept | dict(extra)


def _is_allowed(name: str) -> bool:
    if name in _ALLOWED | _ALLOWED_CERTIFICATES or name.startswith(_ALLOWED_PREFIXES):
        return True
    if name.upper() in _ALLOWED_PROXIES:
        return True
    return name not in _OURS and name.startswith(_ALLOWED_UNLESS_SECRET) and _SECRET_NAME.search(name) is None


def _without_our_tools(path: str) -> str:
    if sys.prefix == sys.base_prefix:
        # Not in a virtual environment: our folder is the system's own.
        return path
    ours = {os.path.realpath(Path(sys.prefix) / name) for name in ("bin", "Scripts")}
    return os.pathsep.join(part for part in path.split(os.pathsep) if part and os.path.realpath(part) not in ours)
