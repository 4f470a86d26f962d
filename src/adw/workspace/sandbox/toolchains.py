"""Which folders of a machine hold programs that projects use, and nothing of the person who installed them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

BELOW_HOME = (
    ".asdf",
    ".bun/bin",
    ".cargo/bin",
    ".deno/bin",
    ".fnm",
    ".jenv",
    ".local/bin",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pnpm",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".nvm",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".sdkman",
    ".volta",
    "go/bin",
)
"""Where version managers and package managers keep programs. None of these holds credentials."""

_ENV_BELOW_HOME = {"RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv", "NVM_DIR": ".nvm", "SDKMAN_DIR": ".sdkman"}
"""Toolchains that look below home unless they are told where they are."""

_PREFIX_PARTS = ("lib", "lib64", "libexec", "share", "include")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def toolchains(environment: Mapping[str, str], *, home: Path) -> tuple[Path, ...]:
    """Everything on `PATH`, below home what is known to hold programs, our interpreter, and certificates."""
    known = [home / name for name in BELOW_HOME if (home / name).is_dir()]
    found = [*known, Path(sys.base_prefix)]
    for part in environment.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(part)
        if folder.is_absolute() and folder.is_dir() and not _is_below(folder, known):
            found += [folder, *_installation(folder, home)]
    certificates = [Path(environment[name]) for name in _CERTIFICATES if environment.get(name)]
    found += [path for path in certificates if path.is_absolute()]
    return tuple(dict.fromkeys(path for path in found if not home.is_relative_to(path)))


def inner_variables(home: Path) -> dict[str, str]:
    """What differs for every confined program: toolchains below a home that is not theirs, and temporary files."""
    found = {name: str(home / below) for name, below in _ENV_BELOW_HOME.items() if (home / below).is_dir()}
    return {"TMPDIR": "/tmp", **found}  # noqa: S108 - the one inside


def programs_behind(folder: Path) -> tuple[Path, ...]:
    """Where the links of a folder of programs lead to."""
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple(dict.fromkeys(link.resolve() for link in links if link.is_symlink() and link.exists()))


def _installation(folder: Path, home: Path) -> list[Path]:
    """What the programs of `<somewhere>/bin` need besides; not where that somewhere is a person's own folder."""
    if folder.name != "bin" or folder.parent in (home, home / ".local", Path("/")):
        return []
    return [part for name in _PREFIX_PARTS if (part := folder.parent / name).is_dir()]


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
