"""The environment of a project's commands, and what identifies it."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from adw.ports.commands import CommandSet

_TOOL_FOLDERS = (".venv/bin", "node_modules/.bin")
_DEPENDENCY_FILE = re.compile(
    r"(pyproject\.toml|setup\.(py|cfg)|.*requirements.*\.txt|.*\.lock|package(-lock)?\.json|npm-shrinkwrap\.json"
    r"|pnpm-lock\.yaml|go\.(mod|sum)|go\.work(\.sum)?|Cargo\.toml|rust-toolchain(\.toml)?|pom\.xml"
    r"|.*\.gradle(\.kts)?|gradle\.properties|\.(python|node)-version|\.nvmrc)$"
)
_INTERPRETERS = ("python3", "node", "uv", "go", "cargo", "rustc", "java", "mvn", "gradle")


def project_environment(root: Path, env: Mapping[str, str], *, cwd: Path | None = None) -> dict[str, str]:
    """`env` with the project's own tools first on `PATH`, and told that nobody is watching."""
    folders = [base / tools for base in dict.fromkeys([cwd or root, root]) for tools in _TOOL_FOLDERS]
    path = os.pathsep.join([*(str(folder) for folder in folders), env.get("PATH", os.defpath)])
    # Unattended: no watch modes, no prompts, no byte code in the workspace.
    unattended = {"CI": "true", "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INPUT": "1"}
    return {**unattended, **env, "PATH": _with_python(path)}


def environment_hash(root: Path, commands: CommandSet, *, path: str) -> str:
    """Identifies what a result depends on besides the commit: commands, dependency files, interpreters, platform."""
    digest = hashlib.sha256()
    for name, command in sorted(asdict(commands).items()):
        digest.update(f"{name}={command!r}\n".encode())
    for file in _dependency_files(root, commands):
        digest.update(f"{file.relative_to(root)}={hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for name in _INTERPRETERS:
        digest.update(f"{name}={_program(name, path)}\n".encode())
    digest.update("\n".join(platform.uname()[i] for i in (0, 4)).encode())
    return digest.hexdigest()[:32]


def _dependency_files(root: Path, commands: CommandSet) -> list[Path]:
    """What says which packages are used, where the commands run."""
    used = [command.cwd for command in (commands.setup, commands.build, commands.lint, commands.test) if command]
    folders = {root / cwd for cwd in [".", *used] if (root / cwd).is_dir()}
    found = (entry for folder in folders for entry in folder.iterdir() if _DEPENDENCY_FILE.match(entry.name))
    return sorted(path for path in found if path.is_file())


def _program(name: str, path: str) -> str:
    """Which program a name means, and of which build, without running it."""
    found = shutil.which(name, path=path)
    if found is None:
        return ""
    real = Path(found).resolve()
    status = real.stat()
    return f"{real} {status.st_size} {status.st_mtime_ns}"


def _with_python(path: str) -> str:
    """Makes sure that some interpreter is found; the one ours was made from, if the machine shows no other."""
    if shutil.which("python3", path=path):
        return path
    return os.pathsep.join(_unique([*path.split(os.pathsep), str(Path(sys.base_prefix) / "bin")]))


def _unique(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(parts))
