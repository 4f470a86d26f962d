"""The names of all settings: how each is read, its default, and an example for whoever got it wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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


def _private_key(text: str) -> str:
    """A PEM may arrive in one line, with its line ends written out."""
    if text.startswith("-----BEGIN"):
        return text.replace("\\n", "\n")
    try:
        content = Path(text).expanduser().read_text()
    except (OSError, RuntimeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError("must be a private key in PEM, or the path of a readable file that holds one") from error
    if not content.startswith("-----BEGIN"):
        raise ValueError("names a file that holds no private key in PEM")
    return content


def folder_path(text: str) -> Path:
    """Absolute, with `~` resolved. Raises ValueError."""
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
    Variable(
        name="GITHUB_APP_ID", about="id of a GitHub App, instead of a token", example="123456", parse=_integer(1, 2**53)
    ),
    Variable(
        name="GITHUB_APP_PRIVATE_KEY",
        about="the App's private key, as PEM or as the path of a file that holds it",
        example=r"-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE KEY-----",
        parse=_private_key,
        secret=True,
    ),
    Variable(
        name="GITHUB_API_URL",
        about="address of GitHub's API; of an Enterprise server `https://host/api/v3`",
        example="https://api.github.com",
        default="https://api.github.com",
        parse=_http_url,
    ),
    Variable(
        name="GITHUB_SERVER_URL",
        about="address of GitHub's pages and repositories",
        example="https://github.com",
        default="https://github.com",
        parse=_http_url,
    ),
    Variable(
        name="GITHUB_WEBHOOK_SECRET",
        about="what webhooks are signed with; without it all are refused",
        example="a long random text",
        secret=True,
    ),
    Variable(name="ADW_DATA_DIR", about="where everything is kept", example="/var/lib/adw", parse=folder_path),
    Variable(name="ADW_WORKING_DIR", about="folder whose .env is read", example="/srv/adw", parse=folder_path),
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
    Variable(
        name="ADW_PUBLIC_URL",
        about="address under which people reach the server; notifications have links only with it",
        example="https://adw.example.com",
        parse=_http_url,
    ),
    Variable(
        name="ORCHESTRATOR_MODEL",
        about="model the orchestrator agent answers with, unless another one is chosen for its conversation",
        example="claude-opus-4-5",
    ),
    Variable(
        name="ORCHESTRATOR_WORKING_DIR",
        about="repository the orchestrator agent means when it is told of none; it has a conversation of its own",
        example="/srv/shop",
        parse=folder_path,
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
CHANNEL_SECRETS = "ADW_NOTIFY_"
"""Begins the names of variables with secrets of notification channels; which there are is up to whoever adds one."""
OUR_NAMES = frozenset({"DATABASE_URL", "ERROR_WEBHOOK_URL"})
