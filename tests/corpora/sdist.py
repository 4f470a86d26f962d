"""Source distributions of other projects, fetched by name, version and hash from the index this machine uses.

They bring recordings of what GitHub really answered. Nothing of them is kept in this repository: they lie in pytest's
own cache. Where the index cannot be reached the tests that need them are skipped, and say why.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDistribution:
    """What is fetched."""

    name: str
    version: str
    digest: str


PYGITHUB = SourceDistribution(
    name="pygithub", version="2.10.0", digest="90ff24ef1cd1bd57124c2a3869cafee9d7b066909129ecdaba2c2d1903bc118d"
)
GITHUB3 = SourceDistribution(
    name="github3-py", version="4.0.1", digest="30d571076753efc389edc7f9aaef338a4fcb24b54d8968d5f39b1342f45ddd36"
)


def fetch(wanted: SourceDistribution, *, cache: Path) -> Path:
    """The archive itself; fetched once."""
    archive = cache / f"{wanted.name}-{wanted.version}.tar.gz"
    if not archive.exists():
        content = _download(wanted)
        assert sha256(content).hexdigest() == wanted.digest, f"{wanted.name} is not what it was"
        part = archive.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(archive)
    return archive


def _download(wanted: SourceDistribution) -> bytes:
    try:
        response = httpx.get(_address(wanted), follow_redirects=True, timeout=TIMEOUT_S, verify=_trusted())
        response.raise_for_status()
    except (httpx.HTTPError, subprocess.SubprocessError, LookupError) as error:
        pytest.skip(f"{wanted.name} {wanted.version} cannot be fetched: {error}")
    return response.content


def _address(wanted: SourceDistribution) -> str:
    """Where the index has it. Resolving does not build it, as downloading by pip would."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    done = subprocess.run(
        [uv, "pip", "compile", "--quiet", "--no-deps", "--system-certs", "--format", "pylock.toml", "-"],
        input=f"{wanted.name}=={wanted.version}\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    [package] = tomllib.loads(done.stdout)["packages"]
    sdist = package["sdist"]
    if sdist["hashes"]["sha256"] != wanted.digest:
        raise LookupError("the index names another hash")
    return sdist["url"]


def _trusted() -> ssl.SSLContext:
    own = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    return ssl.create_default_context(cafile=own)
