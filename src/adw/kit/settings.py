"""Settings from the environment: one table of names, every problem reported at once.

`.env` is read only from a named file, `ADW_WORKING_DIR` when that is set, or the data directory; never from a
repository that agents work on.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from adw.kit.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable: how it is read, its default and an example for the error message."""

    name: str
    about: str
    example: str
    default: str | None = None
    parse: Callable[[str], Any] = str
    secret: bool = False


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"must be from {low} to {high}")
        return value

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"must be from {low:g} to {high:g}")
        return value

    return parse


def _choice(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return text.lower()

    return parse


def _http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if not urlsplit(text).hostname:
        raise ValueError("must name a host")
    return text.rstrip("/")


def _postgres_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("must begin with postgresql://")
    return text


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("must be a path; its ~ names a home that does not exist") from error


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="DATABASE_URL",
        about="PostgreSQL to use; the embedded one when unset",
        example="postgresql://user:password@127.0.0.1:5432/adw",
        parse=_postgres_url,
        secret=True,
    ),
    Variable(name="ANTHROPIC_API_KEY", about="key of the model API", example="sk-ant-...", secret=True),
    Variable(name="ANTHROPIC_AUTH_TOKEN", about="bearer token of the model API", example="token", secret=True),
    Variable(
        name="CLAUDE_CODE_OAUTH_TOKEN",
        about="subscription token of the model API",
        example="sk-ant-oat...",
        secret=True,
    ),
    Variable(
        name="ANTHROPIC_BASE_URL",
        about="address of the model API",
        example="http://127.0.0.1:8787",
        default="https://api.anthropic.com",
        parse=_http_url,
    ),
    Variable(name="GITHUB_TOKEN", about="token for GitHub", example="ghp_...", secret=True),
    Variable(name="ADW_DATA_DIR", about="where everything is kept", example="/var/lib/adw", parse=_folder),
    Variable(name="ADW_WORKING_DIR", about="folder whose .env is read", example="/srv/adw", parse=_folder),
    Variable(
        name="ADW_API_TOKEN",
        about="token the server asks for; made when unset",
        example="a long random text",
        secret=True,
    ),
    Variable(
        name="ADW_BACKEND_PORT_START",
        about="first port leased to workflows' backends",
        example="9100",
        default="9100",
        parse=_integer(1024, 65000),
    ),
    Variable(
        name="ADW_FRONTEND_PORT_START",
        about="first port leased to workflows' frontends",
        example="9200",
        default="9200",
        parse=_integer(1024, 65000),
    ),
    Variable(
        name="ADW_MAX_CONCURRENT_WORKFLOWS",
        about="workflows that may be active at once",
        example="15",
        default="15",
        parse=_integer(1, 1000),
    ),
    Variable(
        name="ADW_MAX_CONCURRENT_PER_PROJECT",
        about="of each project whose adw.toml sets no `max_concurrent`; no limit when unset",
        example="4",
        parse=_integer(1, 1000),
    ),
    Variable(
        name="ADW_WORKER_GRACE_S",
        about="seconds a stopping worker takes to end short steps and to park long ones",
        example="20",
        default="20",
        parse=_integer(0, 3600),
    ),
    Variable(
        name="ADW_AGENT_RUNTIME",
        about="what holds conversations with agents where adw.toml does not say; `plain` is experimental",
        example="claude",
        default="claude",
        parse=_choice("claude", "plain"),
    ),
    Variable(
        name="ADW_SANDBOX",
        about="how agents and project commands are contained where adw.toml does not say; `off` gives it up",
        example="auto",
        default="auto",
        parse=_choice("auto", "bubblewrap", "off"),
    ),
    Variable(
        name="ADW_MIN_FREE_DISK_MB",
        about="free space of the data directory below which no new work is taken, in megabytes",
        example="500",
        default="500",
        parse=_integer(0, 1_000_000_000),
    ),
    Variable(
        name="ADW_MIN_FREE_MEMORY_MB",
        about="available memory below which no new work is taken, in megabytes",
        example="300",
        default="300",
        parse=_integer(0, 1_000_000_000),
    ),
    Variable(
        name="ADW_MAX_LOAD_PER_CORE",
        about="load average of a minute, for each core, above which no queued work starts; 0 for no limit",
        example="16",
        default="16",
        parse=_integer(0, 1_000_000),
    ),
    Variable(
        name="ADW_LONGEST_HOLD_S",
        about="seconds for which a request to the model waits for a limit; for a longer one its workflow waits",
        example="20",
        default="20",
        parse=_number(0, 100),
    ),
    Variable(name="PORT", about="port of the server", example="8003", default="8003", parse=_integer(0, 65535)),
    Variable(name="HOST", about="address the server listens on", example="127.0.0.1", default="127.0.0.1"),
    Variable(
        name="ENVIRONMENT",
        about="what this installation is for",
        example="production",
        default="development",
        parse=_choice("development", "production", "test"),
    ),
    Variable(
        name="LOG_LEVEL",
        about="how much is logged",
        example="info",
        default="info",
        parse=_choice("fatal", "error", "warn", "info", "debug", "trace"),
    ),
)

SECRET_NAMES = frozenset(variable.name for variable in VARIABLES if variable.secret)
OUR_PREFIXES = ("ADW_", "ANTHROPIC_", "CLAUDE_", "GITHUB_", "GH_", "ORCHESTRATOR_", "R2_", "S3_")
OUR_NAMES = frozenset({"DATABASE_URL", "ERROR_WEBHOOK_URL"})


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
    host: str
    port: int
    environment: str
    log_level: str
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
    return _settings(values, data_dir=folder, origins=known)


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


def _settings(values: Mapping[str, Any], *, data_dir: Path, origins: Mapping[str, str]) -> Settings:
    return Settings(
        data_dir=data_dir,
        database_url=values["DATABASE_URL"],
        anthropic_api_key=values["ANTHROPIC_API_KEY"],
        anthropic_auth_token=values["ANTHROPIC_AUTH_TOKEN"],
        claude_code_oauth_token=values["CLAUDE_CODE_OAUTH_TOKEN"],
        anthropic_base_url=values["ANTHROPIC_BASE_URL"],
        github_token=values["GITHUB_TOKEN"],
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
        host=values["HOST"],
        port=values["PORT"],
        environment=values["ENVIRONMENT"],
        log_level=values["LOG_LEVEL"],
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
    return values, problems


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
        return _folder(text) if text else None
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
