from __future__ import annotations

import os
from pathlib import Path

import pytest

from adw.kit import settings
from adw.kit.errors import ConfigurationError
from adw.kit.settings import default_data_dir, forget_secrets, read_settings
from adw.kit.variables import SECRET_NAMES, VARIABLES

BAD = {
    "DATABASE_URL": "sqlite:///adw.db",
    "ANTHROPIC_BASE_URL": "localhost:8787",
    "GITHUB_APP_ID": "my app",
    "GITHUB_APP_PRIVATE_KEY": "/no/such/key.pem",
    "GITHUB_API_URL": "api.github.com",
    "GITHUB_SERVER_URL": "github.com",
    "ADW_DATA_DIR": "~no-such-person/adw",
    "ADW_WORKING_DIR": "~no-such-person/adw",
    "ORCHESTRATOR_WORKING_DIR": "~no-such-person/shop",
    "ADW_BACKEND_PORT_START": "80",
    "ADW_FRONTEND_PORT_START": "many",
    "ADW_MAX_CONCURRENT_WORKFLOWS": "0",
    "ADW_MAX_CONCURRENT_PER_PROJECT": "-1",
    "ADW_WORKER_GRACE_S": "-1",
    "ADW_MIN_FREE_DISK_MB": "-1",
    "ADW_MIN_FREE_MEMORY_MB": "little",
    "ADW_MAX_LOAD_PER_CORE": "-1",
    "ADW_AGENT_RUNTIME": "parrot",
    "ADW_SANDBOX": "maybe",
    "ADW_LONGEST_HOLD_S": "long",
    "ADW_PUBLIC_URL": "adw.example.com",
    "PORT": "65536",
    "ENVIRONMENT": "space",
    "LOG_LEVEL": "loud",
}
ANY_TEXT = {
    "ORCHESTRATOR_MODEL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "GITHUB_TOKEN",
    "GITHUB_WEBHOOK_SECRET",
    "ADW_API_TOKEN",
    "HOST",
}


def write(folder: Path, text: str, name: str = ".env") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_every_variable_either_takes_any_text_or_has_a_bad_value_here():
    assert {variable.name for variable in VARIABLES} == BAD.keys() | ANY_TEXT


def test_all_problems_are_told_at_once_each_with_name_reason_and_example(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"HOME": str(tmp_path), **BAD})
    lines = refused.value.message.splitlines()[1:]
    assert [line.strip().partition(":")[0] for line in lines] == [v.name for v in VARIABLES if v.name in BAD]
    assert all("must" in line and f"for example {line.strip().partition(':')[0]}=" in line for line in lines)
    assert "adw config list" in (refused.value.hint or "")
    assert "sqlite" not in refused.value.message, "a value may be a secret"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "12.5", "must be a whole number"),
        ("PORT", "-1", "must be from 0 to 65535"),
        ("LOG_LEVEL", "verbose", "must be one of fatal, error, warn, info, debug, trace"),
        ("ANTHROPIC_BASE_URL", "http://", "must name a host"),
        ("DATABASE_URL", "postgresql", "must begin with postgresql://"),
    ],
)
def test_a_reason_says_what_would_be_right(tmp_path, name, value, reason):
    with pytest.raises(ConfigurationError, match=reason):
        read_settings({name: value}, data_dir=tmp_path)


def test_every_example_is_a_good_value(tmp_path):
    examples = {variable.name: variable.example for variable in VARIABLES}
    read = read_settings(examples)
    assert (read.port, read.log_level, read.environment) == (8003, "info", "production")
    assert read.data_dir == Path("/var/lib/adw")


def test_defaults_hold_when_nothing_is_set_and_for_what_is_set_to_nothing(tmp_path):
    for environ in ({}, dict.fromkeys(BAD, " "), dict.fromkeys(BAD, "")):
        read = read_settings({"HOME": str(tmp_path), **environ})
        assert read.data_dir == tmp_path / ".local" / "share" / "adw"
        assert (read.host, read.port, read.max_concurrent_workflows) == ("127.0.0.1", 8003, 15)
        assert (read.database_url, read.has_model_credential) == (None, False)
        assert read.anthropic_base_url == "https://api.anthropic.com"


def test_the_environment_counts_more_than_files_and_the_working_dir_more_than_the_data_dir(tmp_path):
    write(tmp_path / "work", "PORT=1\nHOST=work\nLOG_LEVEL=debug\n")
    write(tmp_path / "data", "PORT=2\nHOST=data\nENVIRONMENT=test\n")
    environ = {"ADW_WORKING_DIR": str(tmp_path / "work"), "PORT": "3", "ADW_DATA_DIR": str(tmp_path / "data")}
    read = read_settings(environ)
    assert (read.port, read.host, read.log_level, read.environment) == (3, "work", "debug", "test")
    assert read.origins["PORT"] == "environment"
    assert read.origins["HOST"] == str(tmp_path / "work" / ".env")
    assert read.origins["ENVIRONMENT"] == str(tmp_path / "data" / ".env")
    assert read.origins["GITHUB_TOKEN"] == "default"


def test_a_named_file_is_the_only_one_that_is_read(tmp_path):
    write(tmp_path / "data", "HOST=data\nLOG_LEVEL=debug\n")
    named = write(tmp_path, "HOST=named\n", "my.env")
    read = read_settings({}, data_dir=tmp_path / "data", env_file=named)
    assert (read.host, read.log_level) == ("named", "info")
    with pytest.raises(ConfigurationError, match=r"no file .*other\.env"):
        read_settings({}, env_file=tmp_path / "other.env")


def test_a_file_may_say_where_the_data_is_and_the_data_dir_then_counts(tmp_path):
    write(tmp_path / "work", f"ADW_DATA_DIR={tmp_path / 'data'}\n")
    write(tmp_path / "data", "HOST=data\nADW_DATA_DIR=/elsewhere\n")
    read = read_settings({"ADW_WORKING_DIR": str(tmp_path / "work")})
    assert (read.data_dir, read.host) == (tmp_path / "data", "data")
    assert read.origins["ADW_DATA_DIR"] == str(tmp_path / "work" / ".env")


def test_the_env_file_of_the_repository_one_stands_in_is_never_read(tmp_path, monkeypatch):
    write(tmp_path / "repository", "ANTHROPIC_BASE_URL=http://thief.example\n")
    monkeypatch.chdir(tmp_path / "repository")
    read = read_settings({"HOME": str(tmp_path / "repository"), "PWD": str(tmp_path / "repository")})
    assert read.anthropic_base_url == "https://api.anthropic.com"


def test_files_are_read_as_people_write_them(tmp_path):
    text = (
        "\ufeff# remark\n\nexport HOST = 'a b'\nADW_API_TOKEN=\"x#y=z\" # remark\nGITHUB_TOKEN=t # remark\nnonsense\n"
    )
    (tmp_path / ".env").write_text(text + "ANTHROPIC_API_KEY='\nANTHROPIC_AUTH_TOKEN=# nothing\n", encoding="utf-8")
    read = read_settings({}, data_dir=tmp_path)
    assert (read.host, read.api_token, read.github_token) == ("a b", "x#y=z", "t")
    assert (read.anthropic_api_key, read.anthropic_auth_token) == ("'", None)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"HOST=\xff\n")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read"):
        read_settings({}, data_dir=tmp_path)


def test_secrets_are_not_shown_with_the_settings(tmp_path):
    secrets = {name: f"postgresql://{name}-hidden" for name in SECRET_NAMES}
    secrets |= {"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": "-----BEGIN KEY-----\\nhidden"}
    read = read_settings(secrets, data_dir=tmp_path)
    assert "hidden" not in repr(read)
    assert read.has_model_credential


@pytest.mark.parametrize(
    ("system", "environ", "expected"),
    [
        ("Linux", {"HOME": "/h"}, "/h/.local/share/adw"),
        ("Linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/adw"),
        ("Darwin", {"HOME": "/h"}, "/h/Library/Application Support/adw"),
    ],
)
def test_data_is_kept_where_the_platform_keeps_such_things(monkeypatch, system, environ, expected):
    monkeypatch.setattr(settings.platform, "system", lambda: system)
    assert default_data_dir(environ) == Path(expected)


def test_forgetting_removes_what_is_ours_and_nothing_else(monkeypatch):
    ours = [*SECRET_NAMES, "ADW_ANYTHING", "R2_BUCKET", "S3_KEY", "GH_TOKEN", "ERROR_WEBHOOK_URL", "ORCHESTRATOR_MODEL"]
    for name in (*ours, "MY_ADW_TOOL", "PORT"):
        monkeypatch.setenv(name, "x")
    forget_secrets()
    assert not [name for name in ours if name in os.environ]
    assert os.environ["MY_ADW_TOOL"] == os.environ["PORT"] == "x"
    assert "PATH" in os.environ


def test_the_key_of_an_app_is_text_in_one_line_or_in_a_file_and_comes_with_its_id(tmp_path):
    key = write(tmp_path, "-----BEGIN KEY-----\nabc\n", "app.pem")
    for given in (str(key), "-----BEGIN KEY-----\\nabc\\n"):
        read = read_settings({"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": given}, data_dir=tmp_path)
        assert (read.github_app_id, read.github_app_private_key) == (7, "-----BEGIN KEY-----\nabc\n")
    with pytest.raises(ConfigurationError, match="GITHUB_APP_PRIVATE_KEY: must be set as well when GITHUB_APP_ID is"):
        read_settings({"GITHUB_APP_ID": "7"}, data_dir=tmp_path)


def test_secrets_of_channels_are_read_by_their_prefix_and_never_shown(tmp_path, monkeypatch):
    write(tmp_path, "ADW_NOTIFY_MAIL=from a file\nADW_NOTIFY_OPS=less\n", name=".env")
    settings = read_settings({"HOME": str(tmp_path), "ADW_NOTIFY_OPS": "hidden", "OTHER": "x"}, data_dir=tmp_path)
    assert settings.channel_secrets == {"ADW_NOTIFY_OPS": "hidden", "ADW_NOTIFY_MAIL": "from a file"}
    assert "hidden" not in repr(settings)
    monkeypatch.setenv("ADW_NOTIFY_OPS", "hidden")
    forget_secrets()
    assert "ADW_NOTIFY_OPS" not in os.environ
