"""Runs programs we trust, such as git, without the supervisor's start-up time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import InfrastructureError
from adw.kit.process.finish import uninterrupted

DEFAULT_TIMEOUT_S = 120.0

_DRAIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a program said, and its exit code (negative: the signal that ended it)."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode(errors="replace")

    @property
    def err(self) -> str:
        return self.stderr.decode(errors="replace")


class ProgramNotFoundError(InfrastructureError):
    """A program this system needs is not installed"""

    code = "program_not_found"


class ProgramTimeoutError(InfrastructureError):
    """A program did not end in time"""

    code = "program_timeout"


async def run_program(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    input: bytes | None = None,  # noqa: A002 - the name subprocess uses
) -> Completed:
    """Runs a program to its end with `env` as its whole environment (ours when None); any exit code is returned.

    Its process group is killed on a time-out or cancellation. Raises `ProgramNotFoundError` or `ProgramTimeoutError`;
    a folder that does not exist is an `InfrastructureError`.
    """
    start = _start(argv, cwd=cwd, env=env, with_input=input is not None)
    process, cancelled = await uninterrupted(start)
    if cancelled:
        await _kill_group(process)
        raise asyncio.CancelledError
    try:
        async with asyncio.timeout(timeout_s):
            stdout, stderr = await process.communicate(input)
    except TimeoutError as error:
        await _kill_group(process)
        raise ProgramTimeoutError(f"{argv[0]} did not end within {timeout_s:g} s") from error
    except BaseException:
        await _kill_group(process)
        raise
    return Completed(code=process.returncode or 0, stdout=stdout, stderr=stderr)


async def _start(
    argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str] | None, with_input: bool
) -> asyncio.subprocess.Process:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=env,
            stdin=pipe if with_input else nothing,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except OSError as error:
        if cwd is not None and not cwd.is_dir():
            raise InfrastructureError(f"The folder {cwd} does not exist") from error
        if isinstance(error, FileNotFoundError):
            raise ProgramNotFoundError(
                f"{argv[0]} was not found", hint=f"Install {argv[0]} and make sure it is on PATH"
            ) from error
        raise InfrastructureError(f"Cannot start {argv[0]}: {error.strerror}") from error


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _, cancelled = await uninterrupted(_let_go(process))
    if cancelled:
        raise asyncio.CancelledError


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """With the group dead the pipes are at their end, and reading them closes their transports."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            await process.communicate()
    except TimeoutError:
        # A daemon in a session of its own holds them still; asyncio has no public way to let go.
        transport: asyncio.SubprocessTransport = vars(process)["_transport"]
        transport.close()
