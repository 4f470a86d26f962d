from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adw.cli.output import ago, dollars, duration, first_line, one_line, print_fields, print_table
from adw.cli.progress import describe


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(None, "-"), (0, "0.0 s"), (12_345, "12.3 s"), (65_000, "1 m 05 s"), (3_720_000, "1 h 02 m")],
)
def test_durations_are_read_at_a_glance(milliseconds: int | None, shown: str) -> None:
    assert duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(None, "unknown"), (0, "$0.00"), (0.0123, "$0.0123"), (1.5, "$1.50"), ("2.005", "$2.00")]
)
def test_an_unknown_price_is_never_shown_as_zero(amount: object, shown: str) -> None:
    assert dollars(amount) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(3, "3s ago"), (200, "3m ago"), (7300, "2h ago"), (200_000, "2d ago")])
def test_moments_are_told_as_how_long_ago(seconds: int, shown: str) -> None:
    assert ago((datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()) == shown
    assert ago(None) == "-"


def test_long_text_is_cut_to_one_line() -> None:
    assert first_line("\n\n  first \nsecond") == "first"
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 10, width=5) == "xxxx…"


def test_tables_are_aligned_and_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "LONG"), [("value", None), ("v", "y" * 200)], empty="none")

    out = capsys.readouterr().out
    assert out.splitlines() == ["A      LONG", "value", f"v      {'y' * 200}"]


def test_an_empty_table_is_a_sentence_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A",), [], empty="no workflows")

    assert capsys.readouterr() == ("", "no workflows\n")


def test_unknown_facts_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"status": "active", "pull": None})

    assert capsys.readouterr().out == "status  active\n"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "phase_started", "phase": "plan", "message": "plan started", "data": {}}, "plan started"),
        ({"type": "agent_text", "message": "hm", "data": {}}, None),
        (
            {
                "type": "agent_tool_use",
                "message": "",
                "data": {"role": "planner", "tool": "Bash", "input": {"command": "ls\n-l"}},
            },
            "    planner: Bash ls -l",
        ),
        ({"type": "agent_tool_use", "message": "", "data": {"tool": "Task", "input": None}}, "    agent: Task"),
        ({"type": "agent_tool_use", "message": "", "data": {"tool": "Task", "input": {}}}, "    agent: Task"),
        ({"type": "agent_tool_result", "message": "ok", "data": {}}, None),
        (
            {"type": "agent_tool_result", "message": "no such file", "data": {"isError": True}},
            "      failed: no such file",
        ),
        ({"type": "gate_failed", "message": "2 regressions", "data": {"gate": "tests"}}, "  gate tests: 2 regressions"),
        ({"type": "phase_progress", "message": "installing", "data": {}}, "  installing"),
        ({"type": "worker_lost", "message": "", "data": None}, "worker lost"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_events_become_lines(event: dict[str, object], line: str | None) -> None:
    assert describe(event) == line
