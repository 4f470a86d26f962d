"""What `adw token`, `adw open` and `adw audit` say, with a server that answers from a list."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adw.cli.commands import audit, token
from adw.cli.commands import open as opening
from adw.kit.errors import UsageError

TOKEN = {
    "id": "1a2b3c4d",
    "name": "ci",
    "scope": "operate",
    "createdBy": "server",
    "createdAt": "2026-05-01T10:00:00Z",
    "expiresAt": None,
    "lastUsedAt": "2026-05-02T11:30:00Z",
    "revokedAt": None,
}
ENTRY = {
    "at": "2026-05-01T10:00:00Z",
    "who": "ci",
    "method": "POST",
    "route": "/api/adw/workflows",
    "target": None,
    "status": 401,
    "peer": "127.0.0.1",
    "times": 3,
}


class Client:
    """Answers what it was made with, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def answer(*words: Any, **more: Any) -> Any:
            self.asked.append((name, words, more))
            return self._answers[name]

        return answer


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Any:
    def serve(module: Any, **answers: Any) -> Client:
        client = Client(**answers)
        monkeypatch.setattr(module, "connect", lambda: contextlib.nullcontext(client))
        return client

    return serve


def test_a_secret_is_all_that_standard_output_holds(served: Any, capsys: pytest.CaptureFixture[str]):
    client = served(token, create_token={"token": TOKEN, "secret": "adw_s"})
    token.create_token(name="ci", scope="operate", expires="30d")
    out, err = capsys.readouterr()
    assert out == "adw_s\n"
    assert "adw token revoke 1a2b3c4d" in err
    [(_, words, more)] = client.asked
    assert words == ("ci",)
    ends = datetime.fromisoformat(more["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < ends <= timedelta(days=30)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "never 2026-05-02 11:30 valid"),
        ({"expiresAt": "2026-05-03T00:00:00Z", "lastUsedAt": None}, "2026-05-03 00:00 never expired"),
        ({"revokedAt": "2026-05-03T00:00:00Z"}, "never 2026-05-02 11:30 revoked"),
    ],
)
def test_the_list_says_what_can_still_be_used(
    served: Any, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], shown: str
):
    served(token, tokens={"tokens": [TOKEN | changes]})
    token.list_tokens()
    row = " ".join(capsys.readouterr().out.splitlines()[-1].split())
    assert row == f"1a2b3c4d ci operate 2026-05-01 10:00 {shown}"


@pytest.mark.parametrize("text", ["", "0d", "30", "d", "1y", "-1d", "1.5h", "999999d"])
def test_a_span_that_is_none_is_refused(text: str):
    with pytest.raises(UsageError, match="span"):
        token.read_span(text)


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("12h", 43200), (" 2w ", 1209600)])
def test_spans_are_read(text: str, seconds: int):
    assert token.read_span(text).total_seconds() == seconds


def test_revoking_names_what_is_gone(served: Any, capsys: pytest.CaptureFixture[str]):
    served(token, revoke_token=TOKEN)
    token.revoke_token("ci")
    assert "revoked ci (1a2b3c4d)" in capsys.readouterr().err


def test_a_link_is_printed_where_no_person_looks(served: Any, capsys: pytest.CaptureFixture[str]):
    served(opening, login_link={"url": "http://127.0.0.1:1/login/x", "expiresAt": ""})
    opening.open_browser()
    out, err = capsys.readouterr()
    assert out == "http://127.0.0.1:1/login/x\n"
    assert "once" in err


def test_the_audit_tells_how_often_strangers_were_refused(served: Any, capsys: pytest.CaptureFixture[str]):
    client = served(audit, audit={"entries": [ENTRY], "nextCursor": "7"})
    audit.audit(who="ci", limit=1)
    out, err = capsys.readouterr()
    row = " ".join(out.splitlines()[-1].split())
    assert row == "2026-05-01 10:00:00 ci POST /api/adw/workflows 401 (3 times) 127.0.0.1"
    assert "--limit" in err
    assert client.asked == [("audit", (), {"who": "ci", "limit": 1})]


def test_all_of_it_is_told_to_programs(served: Any, capsys: pytest.CaptureFixture[str]):
    served(audit, audit={"entries": [ENTRY], "nextCursor": None})
    audit.audit(as_json=True)
    assert json.loads(capsys.readouterr().out)["entries"] == [ENTRY]
