from __future__ import annotations

from typing import Any

import pytest

from adw.cli.commands.cost import print_costs


class Client:
    """Answers with one table, whatever is asked."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self.asked: list[Any] = []

    def cost(self, by: str, **rest: Any) -> dict[str, Any]:
        self.asked.append((by, rest))
        return {"by": by, "since": None, "rows": [self._row], "total": self._row}


@pytest.mark.parametrize(
    ("cost_usd", "known_usd", "shown"),
    [(1.5, 1.5, "$1.50"), (0, 0, "$0.00"), (None, 0, "unknown"), (None, 0.25, "unknown, at least $0.25")],
)
def test_a_cost_is_told_as_far_as_it_is_known(
    capsys: pytest.CaptureFixture[str], cost_usd: float | None, known_usd: float, shown: str
) -> None:
    figures = {"workflows": 1, "requests": 2, "inputTokens": 3, "outputTokens": 4}
    client: Any = Client({**figures, "key": None, "label": "Shop", "costUsd": cost_usd, "knownUsd": known_usd})
    print_costs(client, by="project", since="2026-05-01", limit=30, as_json=False)
    header, row, total = (" ".join(line.split()) for line in capsys.readouterr().out.splitlines())
    assert header == "PROJECT WORKFLOWS REQUESTS TOKENS IN OUT COST NAME"
    assert row == f"(no workflow) 1 2 3 4 {shown} Shop"
    assert total == f"total 1 2 3 4 {shown}"
    assert client.asked == [("project", {"since": "2026-05-01T00:00:00", "limit": 30})]
