from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.config import parse_config
from adw.domain.schedule import Plan, check_cron, next_after
from adw.kit.errors import ConfigurationError, UsageError

BERLIN = "Europe/Berlin"


def due(cron: str, moment: datetime, *, count: int, zone: str = BERLIN) -> list[str]:
    found = []
    for _ in range(count):
        moment = next_after(cron, zone=zone, moment=moment)
        found.append(moment.strftime("%d. %H:%M"))
    return found


def test_a_moment_is_one_of_the_zone_the_schedule_is_written_for():
    monday = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert next_after("0 3 * * 1", zone=BERLIN, moment=monday) == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert next_after("0 3 * * 1", zone="UTC", moment=monday) == datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_what_falls_into_a_missing_hour_comes_right_after_it():
    assert due("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), count=2) == ["29. 01:00", "30. 00:30"]


def test_what_falls_into_a_doubled_hour_comes_once():
    assert due("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), count=2) == ["25. 00:30", "26. 01:30"]


def test_each_moment_is_after_the_one_before():
    hourly = due("*/30 * * * *", datetime(2026, 10, 25, 0, 0, tzinfo=UTC), count=4)
    assert hourly == ["25. 00:30", "25. 01:00", "25. 01:30", "25. 02:00"]


@given(st.integers(1_577_836_800, 2_051_222_400), st.sampled_from(["UTC", BERLIN, "America/St_Johns"]))
def test_the_next_moment_is_always_later_and_never_more_than_a_day_off(seconds: int, zone: str):
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    found = next_after("15 4 * * *", zone=zone, moment=moment)
    assert timedelta() < found - moment <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("", "UTC"),
        ("* * * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("@daily", "UTC"),
        ("0 3 * * 1", "Mars/Olympus"),
        ("0 3 * * 1", "../../etc/passwd"),
        ("0 3 * * 1", ""),
    ],
)
def test_what_cannot_come_is_refused(cron: str, zone: str):
    with pytest.raises(UsageError) as caught:
        check_cron(cron, zone=zone)
    assert caught.value.hint


def test_a_file_with_a_bad_schedule_is_refused_by_name():
    text = '[[triggers.schedules]]\ncron = "0 3 * * 9"\nprompt = "x"\n'
    with pytest.raises(ConfigurationError, match=r"triggers\.schedules\[0\].*cron"):
        parse_config(text, source="adw.toml")


def test_a_plan_is_the_same_however_it_is_spaced():
    assert Plan(cron="0  3 * * 1", prompt="x ").digest == Plan(cron="0 3 * * 1", prompt="x").digest
    assert Plan(cron="0 3 * * 1", prompt="x").digest != Plan(cron="0 3 * * 1", prompt="x", zone=BERLIN).digest
