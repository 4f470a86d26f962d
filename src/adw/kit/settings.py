"""Settings from the environment: one table of names, every problem reported at once.

`.env` is read only from a named file, `ADW_WORKING_DIR` when that is set, or the data directory; never from a
repository that agents work on.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adw.kit.errors import ConfigurationError
from adw.kit.variables import CHANNEL_SECRETS, OUR_NAMES, OUR_PREFIXES, VARIABLES, folder_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the program was told, read once."""

    data_dir: Path
    database_url: str | None = field(repr=False)
    anthropic_api_key: str | None = field(repr=False)
    anthropic_auth_token: str | None = field(repr=False)
    claude_code_oauth_token: str | None = field(repr=False)
    anthropic_base_url: str
    github_token: str | None = field(repr=False)
    github_app_id: int | None
    github_app_private_key: str | None = field(repr=False)
    github_api_url: str
    github_server_url: str
    github_webhook_secret: str | None = field(repr=False)
    api_token: str | None = field(repr=False)
    backend_port_start: int
    frontend_port_start: int
    max_concurrent_workflows: int
    max_concurrent_per_project: int | None
    worker_grace_s: int
    agent_runtime: str
    sandbox: Literal["auto", "bubblewrap", "off"]
    min_free_disk_mb: int
    min_free_memory_mb: int
    max_load_per_core: int
    longest_hold_s: float
    orchestrator_model: str | None
    orchestrator_working_dir: Path | None
    host: str
    port: int
    environment: str
    log_level: str
    public_url: str | None
    channel_secrets: Mapping[str, str] = field(repr=False)
    """Variables that channels of notifications name, by their names."""
    origins: Mapping[str, str]
    """Where each variable's value came from: `environment`, a file's path, or `default`."""

    @property
    def has_model_credential(self) -> bool:
        return bool(self.anthropic_api_key or self.anthropic_auth_token or self.claude_code_oauth_token)


def read_settings(
    environ: Mapping[str, str] | None = None, *, data_dir: Path | None = None, env_file: Path | None = None
) -> Settings:
    """Reads and checks all variables. Raises ConfigurationError naming every bad one."""
    given = dict(os.environ if environ is None else environ)
    origins = dict.fromkeys(given, "environment")
    _add_file(given, origins, _named_file(env_file) or _env_file_in(_folder_in(given, "ADW_WORKING_DIR")))
    folder = data_dir or _folder_in(given, "ADW_DATA_DIR") or default_data_dir(given)
    if env_file is None:
        _add_file(given, origins, _env_file_in(folder))
    values, problems = _parse_all(given)
    if problems:
        raise ConfigurationError(
            "settings cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems),
            hint="correct them in the environment or the .env file; `adw config list` shows where each comes from",
        )
    known = {variable.name: origins.get(variable.name, "default") for variable in VARIABLES}
    secrets = {name: value for name, value in given.items() if name.startswith(CHANNEL_SECRETS)}
    return _settings(values, data_dir=folder, secrets=secrets, origins=known)


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`~/.local/share/adw`, or where the platform keeps such things."""
    home = Path(environ.get("HOME") or Path.home())
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"]) / "adw"
    if platform.system() == "Darwin":
        return home / "Library" / "Application Support" / "adw"
    return home / ".local" / "share" / "adw"


def forget_secrets() -> None:
    """Removes our variables from this process's environment, so that no child inherits one by accident."""
    for name in list(os.environ):
        if name in OUR_NAMES or name.startswith(OUR_PREFIXES):
            del os.environ[name]


def _settings(
    values: Mapping[str, Any], *, data_dir: Path, secrets: Mapping[str, str], origins: Mapping[str, str]
) -> Settings:
    return Settings(
        data_dir=data_dir,
        database_url=values["DATABASE_URL"],
        anthropic_api_key=values["ANTHROPIC_API_KEY"],
        anthropic_auth_token=values["ANTHROPIC_AUTH_TOKEN"],
        claude_code_oauth_token=values["CLAUDE_CODE_OAUTH_TOKEN"],
        anthropic_base_url=values["ANTHROPIC_BASE_URL"],
        github_token=values["GITHUB_TOKEN"],
        github_app_id=values["GITHUB_APP_ID"],
        github_app_private_key=values["GITHUB_APP_PRIVATE_KEY"],
        github_api_url=values["GITHUB_API_URL"],
        github_server_url=values["GITHUB_SERVER_URL"],
        github_webhook_secret=values["GITHUB_WEBHOOK_SECRET"],
        api_token=values["ADW_API_TOKEN"],
        backend_port_start=values["ADW_BACKEND_PORT_START"],
        frontend_port_start=values["ADW_FRONTEND_PORT_START"],
        max_concurrent_workflows=values["ADW_MAX_CONCURRENT_WORKFLOWS"],
        max_concurrent_per_project=values["ADW_MAX_CONCURRENT_PER_PROJECT"],
        worker_grace_s=values["ADW_WORKER_GRACE_S"],
        agent_runtime=values["ADW_AGENT_RUNTIME"],
        sandbox=values["ADW_SANDBOX"],
        min_free_disk_mb=values["ADW_MIN_FREE_DISK_MB"],
        min_free_memory_mb=values["ADW_MIN_FREE_MEMORY_MB"],
        max_load_per_core=values["ADW_MAX_LOAD_PER_CORE"],
        longest_hold_s=values["ADW_LONGEST_HOLD_S"],
        orchestrator_model=values["ORCHESTRATOR_MODEL"],
        orchestrator_working_dir=values["ORCHESTRATOR_WORKING_DIR"],
        host=values["HOST"],
        port=values["PORT"],
        environment=values["ENVIRONMENT"],
        log_level=values["LOG_LEVEL"],
        public_url=values["ADW_PUBLIC_URL"],
        channel_secrets=secrets,
        origins=origins,
    )


def _parse_all(given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in VARIABLES:
        raw = (given.get(variable.name) or "").strip() or variable.default
        try:
            values[variable.name] = None if raw is None else variable.parse(raw)
        except ValueError as error:
            problems.append(f"{variable.name}: {_reason(error)}, for example {variable.name}={variable.example}")
    return values, problems + _unpaired(values)


def _unpaired(values: Mapping[str, Any]) -> list[str]:
    """A GitHub App needs both its id and its key."""
    pair = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY")
    given = [name for name in pair if values.get(name) is not None]
    if len(given) != 1 or not all(name in values for name in pair):
        return []
    return [f"{next(name for name in pair if name not in given)}: must be set as well when {given[0]} is"]


def _reason(error: ValueError) -> str:
    text = str(error)
    if "could not convert" in text:
        return "must be a number"
    return "must be a whole number" if "invalid literal" in text else text


def _add_file(given: dict[str, str], origins: dict[str, str], path: Path | None) -> None:
    """What is given already counts more."""
    for name, value in ({} if path is None else _read_env_file(path)).items():
        if name not in given:
            given[name], origins[name] = value, str(path)


def _folder_in(given: Mapping[str, str], name: str) -> Path | None:
    """None as well for what is no folder's name: that is reported with all other problems."""
    text = given.get(name, "").strip()
    try:
        return folder_path(text) if text else None
    except ValueError:
        return None


def _named_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ConfigurationError(f"there is no file {path}", hint="check the path given to --env-file")
    return path


def _env_file_in(folder: Path | None) -> Path | None:
    return None if folder is None or not (folder / ".env").is_file() else folder / ".env"


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", hint="correct its permissions, and save it as UTF-8 text"
        ) from error
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    """Quotes hold a value together; without them a ` #` begins a remark."""
    if len(value) > 1 and value[0] in "'\"" and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return "" if value.startswith("#") else value.partition(" #")[0].rstrip()
