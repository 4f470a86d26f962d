from __future__ import annotations

import socket
from pathlib import Path

import pytest

from adw.cli.server.health import answers
from adw.cli.server.serving import ServePlan, check_port_is_free, serve_until_stopped
from adw.kit.errors import ConfigurationError, ConflictError, ExitCode
from adw.kit.settings import read_settings


def plan(**changes: object) -> ServePlan:
    values = {
        "host": "127.0.0.1",
        "port": 0,
        "with_worker": False,
        "restart": False,
        "server": "granian",
        "idle_exit_s": None,
    }
    return ServePlan(**(values | changes))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.com"])
def test_an_open_door_needs_a_token(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no ADW_API_TOKEN is set") as refused:
        serve_until_stopped(read_settings({}, data_dir=tmp_path), plan(host=host))

    assert refused.value.exit_code == ExitCode.USAGE


def test_a_port_in_use_is_named_with_the_option_to_choose_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConflictError, match=f"port {port} of 127.0.0.1 is in use") as refused:
            serve_until_stopped(read_settings({}, data_dir=tmp_path), plan(port=port))

    assert refused.value.exit_code == ExitCode.CONFLICT
    assert "--port" in str(refused.value.hint)


def test_an_address_of_another_machine_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:0 cannot be used"):
        check_port_is_free("192.0.2.1", 0)


def test_port_0_is_always_free() -> None:
    check_port_is_free("127.0.0.1", 0)


def test_silence_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not answers(f"http://127.0.0.1:{port}")
