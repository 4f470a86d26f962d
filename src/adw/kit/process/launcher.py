"""Starts foreign programs under the supervisor, so that neither a crash nor a daemon leaves anything running."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from adw.kit.errors import ConfigurationError, InfrastructureError
from adw.kit.process import supervisor
from adw.kit.process.bubblewrap import Sandbox
from adw.kit.process.capture import HeadAndTail
from adw.kit.process.confinement import Confinement
from adw.kit.process.finish import uninterrupted
from adw.kit.process.identity import ProcessIdentity
from adw.kit.process.launch import Exited
from adw.kit.process.lifeline import Lifeline
from adw.kit.process.sweep import kill_tree, sweep_orphans

# The agent SDK starts its program itself and tells it these things about itself; none is a secret.
SDK_PASS_THROUGH = (
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_CODE_SDK_READS_SESSION_STATE",
    "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING",
)

_SUPERVISOR = str(Path(supervisor.__file__).resolve())
_INTERPRETER = (sys.executable, "-I", "-S", _SUPERVISOR)
# What the interpreter itself may need to start; the program does not get it.
_INTERPRETER_ENV = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_DRAIN_S = 2.0
_LEASE_LOOK_S = 0.1
_ENDED_BY_US = frozenset({supervisor.KILLED, supervisor.REFUSED})
_SANDBOX_FAILED = 1

WITHOUT_SANDBOX = 'install bubblewrap and allow user namespaces, or give up containment: [sandbox] mode = "off"'


class LaunchLike(Protocol):
    """Anything that names a program, its folder, its complete environment and its confinement."""

    @property
    def argv(self) -> Sequence[str]: ...
    @property
    def cwd(self) -> Path: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def confinement(self) -> Confinement | None: ...


class SupervisedLauncher:
    """Runs programs under the supervisor, tied to the worker's lifeline. `runtime_dir` holds their private files.

    `sandbox` carries out confinements; without one, what is to be confined is refused. A supervisor that does not end
    its tree within `patience_s`, as when it is stopped, is killed with all below it.
    """

    def __init__(
        self,
        *,
        lifeline: Lifeline,
        runtime_dir: Path,
        pass_through: Sequence[str] = SDK_PASS_THROUGH,
        sandbox: Sandbox | None = None,
        patience_s: float = 5.0,
    ) -> None:
        self._lifeline = lifeline
        self._runtime_dir = runtime_dir
        self._pass_through = tuple(pass_through)
        self._sandbox = sandbox
        self._patience_s = patience_s
        self._wrapped: dict[Path, str] = {}

    def isolation(self) -> str:
        return "supervisor" if self._sandbox is None else self._sandbox.name

    async def run(self, launch: LaunchLike, *, timeout_s: float, max_output_bytes: int = 4_000_000) -> Exited:
        """Runs a program to its end; exit code 127 when it does not exist, 128 + n when signal n ended it.

        On a time-out `exit_code` is None. On a time-out or cancellation its whole process tree is gone on return.
        Raises `ConfigurationError` or `InfrastructureError` when its confinement cannot be carried out. A program that
        ended with the worker's lease says nothing by that: it is run again when the lease is renewed.
        """
        while True:
            while self._lifeline.has_lapsed:  # noqa: ASYNC110 - it is renewed, or this process ends
                await asyncio.sleep(_LEASE_LOOK_S)
            lapses = self._lifeline.lapses
            exited = await self._run_once(launch, timeout_s=timeout_s, max_output_bytes=max_output_bytes)
            if self._lifeline.lapses == lapses or exited.exit_code not in _ENDED_BY_US:
                return exited

    async def _run_once(self, launch: LaunchLike, *, timeout_s: float, max_output_bytes: int) -> Exited:
        launch_id = secrets.token_hex(8)
        spec = self._write_spec(launch, launch_id=launch_id, folder=self._runtime_dir, pass_through=())
        try:
            exited = await self._run(spec, launch_id, timeout_s=timeout_s, max_output_bytes=max_output_bytes)
        finally:
            spec.unlink(missing_ok=True)
            if launch.confinement is not None:
                await asyncio.to_thread(shutil.rmtree, _temporary(spec), ignore_errors=True)
            self._lifeline.forget(launch_id)
        if launch.confinement is not None:
            _check_enclosed(exited)
        return exited

    def wrap(self, launch: LaunchLike, *, folder: Path) -> Path:
        """Writes an executable into `folder` that runs `launch.argv` and its own arguments under the supervisor.

        The environment of whoever starts it is dropped, but for the names passed through. `end` kills what it started.
        """
        launch_id = secrets.token_hex(8)
        spec = self._write_spec(launch, launch_id=launch_id, folder=folder, pass_through=self._pass_through)
        script = folder / f"start-{launch_id}"
        script.write_text(_wrapper_text(spec, kept=(*_INTERPRETER_ENV, *self._pass_through)))
        script.chmod(0o700)
        self._wrapped[script] = launch_id
        return script

    async def end(self, wrapper: Path) -> bool:
        """Kills every process tree started through a wrapper and forbids new ones. True when all of it is gone."""
        launch_id = self._wrapped.pop(wrapper, None)
        if launch_id is None or await self._lifeline.kill(launch_id, timeout_s=self._patience_s):
            return True
        stuck = self._lifeline.supervisors().get(launch_id, [])
        await asyncio.to_thread(sweep_orphans, stuck)
        return await self._lifeline.kill(launch_id, timeout_s=self._patience_s)

    def started(self, wrapper: Path) -> list[ProcessIdentity]:
        """The processes now running through a wrapper, to be recorded for `sweep_orphans` at the next boot."""
        return self._lifeline.supervisors().get(self._wrapped.get(wrapper, ""), [])

    async def _run(self, spec: Path, launch_id: str, *, timeout_s: float, max_output_bytes: int) -> Exited:
        begin = time.monotonic()
        # Neither start nor end can be interrupted: a cancellation in between would leave something running.
        (process, pipe, output), cancelled = await uninterrupted(_start(spec, max_output_bytes))
        timed_out = False
        try:
            if not cancelled:
                async with asyncio.timeout(timeout_s):
                    await process.wait()
        except TimeoutError:
            timed_out = True
        finally:
            cancelled = (await uninterrupted(self._end(process, launch_id, pipe, output)))[1] or cancelled
        if cancelled:
            raise asyncio.CancelledError
        return Exited(
            exit_code=None if timed_out else process.returncode,
            output=output.text(),
            duration_ms=round((time.monotonic() - begin) * 1000),
            timed_out=timed_out,
            truncated=output.truncated,
        )

    async def _end(
        self, process: asyncio.subprocess.Process, launch_id: str, pipe: asyncio.ReadTransport, output: HeadAndTail
    ) -> None:
        if process.returncode is None:
            await self._lifeline.kill(launch_id, timeout_s=self._patience_s)
            try:
                async with asyncio.timeout(self._patience_s):
                    await process.wait()
            except TimeoutError:
                await asyncio.to_thread(kill_tree, process.pid)
                await process.wait()
        # Only a program that escaped the supervisor could still hold the other end.
        await asyncio.wait([output.finished], timeout=_DRAIN_S)
        pipe.close()

    def _write_spec(self, launch: LaunchLike, *, launch_id: str, folder: Path, pass_through: Sequence[str]) -> Path:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder.absolute() / f"launch-{launch_id}.json"
        confinement = launch.confinement
        content = {
            "id": launch_id,
            "argv": [str(part) for part in launch.argv],
            "cwd": str(launch.cwd),
            "env": {**launch.env, **(confinement.env if confinement is not None else {})},
            "enclosure": None if confinement is None else self._enclosure(confinement, launch.cwd, _temporary(path)),
            "pass_through": list(pass_through),
            "lifeline": str(self._lifeline.path),
            "leased": self._lifeline.is_leased,
        }
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            json.dump(content, file)
        return path

    def _enclosure(self, confinement: Confinement, cwd: Path, temporary: Path) -> Mapping[str, object]:
        if self._sandbox is None:
            raise ConfigurationError(
                "a program is to be confined, and there is nothing here that could do it", hint=WITHOUT_SANDBOX
            )
        enclosure = self._sandbox.enclose(confinement, cwd=cwd.absolute(), temporary=temporary)
        temporary.mkdir(mode=0o700)
        return {
            "program": str(enclosure.program),
            "arguments": enclosure.arguments,
            "before": enclosure.before,
        }


async def _start(
    spec: Path, max_output_bytes: int
) -> tuple[asyncio.subprocess.Process, asyncio.ReadTransport, HeadAndTail]:
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *_INTERPRETER,
            str(spec),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env={name: os.environ[name] for name in _INTERPRETER_ENV if name in os.environ},
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    loop = asyncio.get_running_loop()
    file = os.fdopen(reading, "rb", buffering=0)
    pipe, output = await loop.connect_read_pipe(lambda: HeadAndTail(max_output_bytes), file)
    return process, pipe, output


def _temporary(spec: Path) -> Path:
    """What a confined program finds as `/tmp`: on disk, for not everything that is put there fits into memory."""
    return spec.with_name(f"{spec.stem}-tmp")


def _check_enclosed(exited: Exited) -> None:
    """A sandbox that could not be set up says so in place of the program; that is no verdict on the program."""
    if exited.exit_code == _SANDBOX_FAILED and exited.output.startswith("bwrap: ") and "execvp" not in exited.output:
        raise InfrastructureError(
            f"the sandbox could not be set up: {exited.output.strip()[:500]}", hint="look at what `adw doctor` says"
        )


def _wrapper_text(spec: Path, *, kept: Sequence[str]) -> str:
    env = shutil.which("env") or "/usr/bin/env"
    passed = " ".join(f'${{{name}+"{name}=${name}"}}' for name in kept)
    command = shlex.join((*_INTERPRETER, str(spec)))
    return f'#!/bin/sh\nexec {env} -i {passed} {command} "$@"\n'


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
