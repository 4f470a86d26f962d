"""`adw kpi`, its server stood in for: what a person reads, and what is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adw.cli.commands import kpi
from adw.kit.errors import UsageError


def spread(average: float, median: float) -> dict[str, Any]:
    return {"total": 0, "largest": 0, "average": average, "median": median}


SUMMARY: dict[str, Any] = {
    "workflows": 7,
    "succeeded": 6,
    "atFirstAttempt": 5,
    "currentStreak": 3,
    "longestStreak": 4,
    **{name: spread(1.25, 1.0) for name in ("attempts", "repairRounds", "reviewRounds", "planLines", "diffFiles")},
    "diffLines": spread(40.5, 30.5),
}


def group(kind: str) -> dict[str, Any]:
    return {"projectId": "shop-1", "projectName": "shop", "workflowType": kind, "summary": SUMMARY}


class Client:
    def __init__(self, *groups: dict[str, Any]) -> None:
        self.groups = list(groups)
        self.asked: dict[str, Any] = {}

    def kpi(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"since": None, "groups": self.groups, "total": SUMMARY, "workflows": []}


def shown(client: Any, **asked: Any) -> Any:
    kpi.print_kpis(client, **{"project": None, "kind": None, "since": None, "as_json": False} | asked)


def test_each_project_and_kind_is_a_row_with_all_of_them_last(capsys: pytest.CaptureFixture[str]):
    shown(Client(group("sdlc"), group("zte")))
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["PROJECT", "KIND", "WORKFLOWS"]
    assert [row.split()[0] for row in rows] == ["shop", "shop", "all"]
    assert rows[0].split()[1:7] == ["sdlc", "7", "6", "5", "3", "4"]
    assert "1.2 / 1 " in rows[0]
    assert rows[0].endswith("40.5 / 30.5")


def test_a_single_row_needs_no_sum(capsys: pytest.CaptureFixture[str]):
    shown(Client(group("sdlc")))
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(("asked", "said"), [({}, "adw run"), ({"kind": "sdlc"}, "leave out `--project`")])
def test_when_there_is_nothing_it_says_what_to_do(capsys: pytest.CaptureFixture[str], asked: Any, said: str):
    shown(Client(), **asked)
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


def test_what_is_asked_for_reaches_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    client = Client(group("sdlc"))
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    shown(client, project="shop", kind="sdlc", since="2026-05-01", as_json=True)
    assert client.asked == {"project": "shop", "kind": "sdlc", "since": "2026-05-01"}
    for folder in (".", "./src", str(tmp_path / "src")):
        shown(client, project=folder)
        assert client.asked["project"] == str(tmp_path.resolve())


def test_what_is_no_date_is_refused_before_a_server_is_asked():
    with pytest.raises(UsageError, match="'soon' is not a date"):
        kpi.kpi(since="soon")
