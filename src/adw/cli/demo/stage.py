"""What the demonstration plays on: a temporary folder with a repository, a scripted model and a server of its own."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from adw.cli.server.child import end_child, own_command
from adw.cli.server.record import ServerRecord, read_record
from adw.cli.server.signals import finishing_undisturbed
from adw.demo import create_sample_project
from adw.kit.errors import InfrastructureError
from adw.kit.paths import DataPaths
from adw.kit.postgres import discard
from adw.kit.variables import OUR_NAMES, OUR_PREFIXES, VARIABLES

SCENARIO = "demo"
_START_TIMEOUT_S = 120.0
_GRACE_S = 30.0
_TAIL_CHARS = 2_000
_KEPT = frozenset({"ADW_SANDBOX", "LOG_LEVEL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything is."""

    root: Path
    repo: Path
    data_dir: Path
    server: ServerRecord
    settings: Mapping[str, str]
    """The variables that other commands need to reach the server."""


@contextmanager
def set_stage(*, keep: bool, heed: Callable[[], None]) -> Generator[Stage]:
    """Sets the stage and clears it again, processes first, then files unless they are kept.

    `heed` raises an interrupt that nobody has heard.
    """
    root = Path(tempfile.mkdtemp(prefix="adw-demo-")).resolve()
    with finishing_undisturbed() as be_deaf, ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, root, ignore_errors=True)
            stack.callback(discard, root / "data")
        repo, data_dir = root / "tally", root / "data"
        create_sample_project(repo)
        paths = DataPaths(data_dir).ensure()
        model_url = stack.enter_context(_model_server(paths))
        settings = {
            "ADW_DATA_DIR": str(data_dir),
            "ANTHROPIC_BASE_URL": model_url,
            "ANTHROPIC_API_KEY": "demo-needs-no-key",
        }
        server = stack.enter_context(_server(paths, env=_others() | settings, heed=heed))
        stack.callback(be_deaf)
        yield Stage(root=root, repo=repo, data_dir=data_dir, server=server, settings=settings)


def _others() -> dict[str, str]:
    """The person's environment without any setting or credential of theirs: the demonstration costs nothing."""
    ours = OUR_NAMES | {variable.name for variable in VARIABLES} - _KEPT
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or (name not in ours and not name.startswith(OUR_PREFIXES))
    }


@contextmanager
def _model_server(paths: DataPaths) -> Generator[str]:
    command = own_command(
        "model-server", "--scenario", SCENARIO, "--port", "0", "--json", "--until-eof", same_settings=False
    )
    log = paths.logs / "model.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    try:
        yield str(json.loads(_read_line(process, log))["url"])
    finally:
        end_child(process, grace_s=_GRACE_S)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def _server(paths: DataPaths, *, env: Mapping[str, str], heed: Callable[[], None]) -> Generator[ServerRecord]:
    command = own_command("serve", "--host", "127.0.0.1", "--port", "0", "--until-eof", same_settings=False)
    log = paths.logs / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield _wait_for_record(process, paths, log, heed=heed)
    finally:
        end_child(process, grace_s=_GRACE_S)


def _read_line(process: subprocess.Popen[bytes], log: Path) -> bytes:
    assert process.stdout is not None  # noqa: S101 # it was asked for above
    readable, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT_S)
    line = process.stdout.readline() if readable else b""
    if not line:
        raise _failed("the scripted model", log)
    return line


def _wait_for_record(
    process: subprocess.Popen[bytes], paths: DataPaths, log: Path, *, heed: Callable[[], None]
) -> ServerRecord:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        heed()
        record = read_record(paths.server_file)
        if record is not None:
            return record
        time.sleep(0.02)
    raise _failed("the server", log)


def _failed(what: str, log: Path) -> InfrastructureError:
    tail = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:].strip()
    return InfrastructureError(
        f"{what} could not be started:\n{tail or '(it said nothing)'}", hint="`adw doctor` looks for what is missing"
    )
