"""Following a workflow through a real server, from the command's own functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import template
from tests.api.stage import TOKEN
from tests.client.conftest import Live, live
from tests.conftest import Eventually

from adw.cli.logs import follow_events, read_types
from adw.client import AdwClient
from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.kit.errors import ExitCode, NotFoundError, UsageError
from adw.store.events import append_events

__all__ = ["live", "template"]

Follow = Callable[..., "asyncio.Task[ExitCode]"]


@pytest.fixture
def follow(live: Live) -> Follow:
    def start(adw_id: str, *, after: int = 0, types: tuple[str, ...] = (), as_json: bool = True) -> Any:
        def connecting() -> AdwClient:
            return AdwClient(live.url, TOKEN)

        return asyncio.create_task(
            asyncio.to_thread(follow_events, adw_id, after=after, types=types, as_json=as_json, connecting=connecting)
        )

    return start


class Printed:
    """What was written so far, by stream."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._out = self._err = ""

    def read(self) -> tuple[str, str]:
        out, err = self._capsys.readouterr()
        self._out += out
        self._err += err
        return self._out, self._err

    @property
    def types(self) -> list[str]:
        return [json.loads(line)["type"] for line in self.read()[0].splitlines()]

    @property
    def numbers(self) -> list[int]:
        return [json.loads(line)["seq"] for line in self.read()[0].splitlines()]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


async def end(live: Live, adw_id: str, status: Status, event: EventType) -> None:
    await live.stage.move(adw_id, status, event)


@pytest.mark.parametrize(
    ("status", "event", "code"),
    [
        (Status.COMPLETED, EventType.WORKFLOW_COMPLETED, ExitCode.OK),
        (Status.FAILED, EventType.WORKFLOW_FAILED, ExitCode.FAILED),
        (Status.CANCELLED, EventType.WORKFLOW_CANCELLED, ExitCode.FAILED),
    ],
)
async def test_it_replays_goes_on_live_and_ends_with_what_became_of_it(
    live: Live,
    follow: Follow,
    printed: Printed,
    eventually: Eventually,
    status: Status,
    event: EventType,
    code: ExitCode,
) -> None:
    adw_id = (await live.stage.work()).adw_id
    following = follow(adw_id[:6])
    await eventually(lambda: "workflow_queued" in printed.types)
    await live.stage.activate(adw_id)
    await eventually(lambda: "workflow_started" in printed.types)
    assert not following.done()
    await end(live, adw_id, status, event)
    assert await following is code
    assert printed.numbers == list(range(1, 5))


async def test_it_survives_a_server_that_restarts_without_gap_or_repetition(
    live: Live, follow: Follow, printed: Printed, eventually: Eventually
) -> None:
    adw_id = (await live.stage.work()).adw_id
    following = follow(adw_id)
    await eventually(lambda: "workflow_queued" in printed.types)
    await live.stop()
    await eventually(lambda: "connecting again" in printed.read()[1])
    await live.stage.activate(adw_id)
    await live.start_again()
    await end(live, adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    assert await following is ExitCode.OK
    assert printed.numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("types", [(), ("workflow_started",)], ids=["all", "some"])
async def test_it_ends_when_a_person_is_needed_and_says_how_to_answer(
    live: Live, follow: Follow, printed: Printed, eventually: Eventually, types: tuple[str, ...]
) -> None:
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    following = follow(adw_id, types=types)
    await eventually(lambda: "workflow_started" in printed.types)
    asked = await live.stage.ask(adw_id, ApprovalKind.PLAN)
    await live.stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
    assert await following is ExitCode.WAITING
    assert printed.types == (["workflow_started"] if types else [*printed.types[:3], "workflow_waiting"])
    assert f"adw approval allow {str(asked.id)[:8]}" in printed.read()[1]
    assert await follow(adw_id, after=100) is ExitCode.WAITING


async def test_what_was_waited_for_once_does_not_end_it_later(live: Live, follow: Follow, printed: Printed) -> None:
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    await live.stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
    await live.stage.activate(adw_id)
    following = follow(adw_id)
    await asyncio.sleep(0)
    await end(live, adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    assert await following is ExitCode.OK
    assert printed.types[-1] == "workflow_completed"


async def test_an_ended_one_is_told_whole_from_a_number_on_and_by_type(
    live: Live, follow: Follow, printed: Printed
) -> None:
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    async with live.stage.database.begin() as connection:
        said = [NewEvent(type=EventType.AGENT_TEXT, message=str(number)) for number in range(1100)]
        await append_events(connection, adw_id, said)
    await end(live, adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
    assert await follow(adw_id, after=1000) is ExitCode.FAILED
    assert printed.numbers == list(range(1001, 1105))
    assert await follow(adw_id, types=("workflow_started", "workflow_failed"), as_json=False) is ExitCode.FAILED
    assert printed.read()[0].splitlines()[-1].endswith("workflow failed")


async def test_what_does_not_exist_is_refused_at_once(follow: Follow) -> None:
    with pytest.raises(NotFoundError):
        await follow("ffffffff")


def test_types_are_read_with_commas_or_repeated_and_a_wrong_one_is_corrected() -> None:
    assert read_types(["gate_failed,phase_completed", "gate_failed"]) == ("gate_failed", "phase_completed")
    assert read_types([]) == ()
    with pytest.raises(UsageError) as refused:
        read_types(["gate_fail"])
    assert refused.value.hint == "did you mean `gate_failed`?"
    with pytest.raises(UsageError, match="'x'"):
        read_types(["x"])
