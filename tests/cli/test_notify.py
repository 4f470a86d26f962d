"""What `adw notify` sends and says, with a server that answers from a list."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import typer

from adw.cli.commands import notify
from adw.kit.errors import UsageError

CHANNEL = {
    "id": "1a2b3c4d",
    "name": "ops",
    "kind": "webhook",
    "url": "https://example.com/hook",
    "urlEnv": None,
    "secretEnv": "ADW_NOTIFY_OPS",
    "host": None,
    "port": None,
    "recipients": [],
    "person": "Ann",
    "missing": ["ADW_NOTIFY_OPS"],
}
MAIL = CHANNEL | {"name": "ann", "kind": "email", "url": None, "host": "smtp.x", "port": 587, "recipients": ["a@x"]}
RULE = {
    "id": "5e6f7a8b",
    "channel": "ops",
    "events": ["workflow_failed", "approval_requested"],
    "projectIds": [],
    "urgent": ["approval_requested"],
    "digestMinutes": None,
    "digestAt": ["08:00", "17:00"],
    "quietFrom": "22:00",
    "quietUntil": "07:00",
    "zone": "UTC",
    "enabled": True,
}
DELIVERY = {
    "id": "d1",
    "channel": "ops",
    "ruleId": None,
    "state": "waiting",
    "attempts": 1,
    "events": 0,
    "dueAt": "2026-05-04T12:00:00Z",
    "error": None,
    "createdAt": "2026-05-04T11:59:00Z",
}


class Client:
    """Answers what it was made with, a list one after the other, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def answer(*words: Any, **more: Any) -> Any:
            self.asked.append((name, words, more))
            found = self._answers[name]
            return found.pop(0) if isinstance(found, list) else found

        return answer


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    def serve(**answers: Any) -> Client:
        client = Client(**answers)
        monkeypatch.setattr(notify, "connect", lambda: contextlib.nullcontext(client))
        return client

    return serve


def test_a_channel_is_added_and_a_missing_secret_is_told(served: Any, capsys: pytest.CaptureFixture[str]):
    client = served(add_channel=CHANNEL)
    notify.add_channel("webhook", "ops", url="https://example.com/hook", secret_env="ADW_NOTIFY_OPS", person="Ann")
    [(_, words, more)] = client.asked
    assert words == ("ops",)
    assert (more["kind"], more["fields"]["secretEnv"]) == ("webhook", "ADW_NOTIFY_OPS")
    said = capsys.readouterr().err
    assert "adw notify test ops" in said
    assert "ADW_NOTIFY_OPS is not set" in said
    with pytest.raises(UsageError):
        notify.add_channel("email", "ann", secret_env="A", password_env="B")


def test_a_rule_is_added_with_its_times(served: Any, capsys: pytest.CaptureFixture[str]):
    client = served(add_rule=RULE)
    notify.add_rule("ops", ["ends"], at="08:00, 17:00", quiet="22:00-07:00", urgent=["approval_requested"])
    [(_, words, more)] = client.asked
    assert words == ("ops", ["ends"])
    assert more["fields"]["digestAt"] == ["08:00", "17:00"]
    assert (more["fields"]["quietFrom"], more["fields"]["quietUntil"]) == ("22:00", "07:00")
    assert "approval_requested!" in capsys.readouterr().out


def test_the_list_shows_both_and_what_was_given_up(served: Any, capsys: pytest.CaptureFixture[str]):
    failed = {"deliveries": [DELIVERY | {"state": "failed"}]}
    served(notifications={"channels": [CHANNEL, MAIL], "rules": [RULE]}, deliveries=failed)
    notify.list_notifications()
    out, err = capsys.readouterr()
    for words in ("https://example.com/hook", "a@x by smtp.x:587", "(not set)", "08:00, 17:00 UTC", "22:00-07:00 UTC"):
        assert words in out
    assert "did not arrive" in err


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ({"state": "delivered"}, None, "it has arrived"),
        ({"state": "waiting", "error": "the host answered 503"}, 1, "the host answered 503"),
        ({"state": "failed", "error": "the host answered 404"}, 1, "the host answered 404"),
    ],
)
def test_a_test_waits_for_what_becomes_of_it(
    served: Any, capsys: pytest.CaptureFixture[str], end: dict[str, Any], code: int | None, said: str
):
    served(test_channel=DELIVERY, deliveries={"deliveries": [DELIVERY | end]})
    with contextlib.nullcontext() if code is None else pytest.raises(typer.Exit) as left:
        notify.try_channel("ops")
    assert said in capsys.readouterr().err
    assert code is None or left.value.exit_code == code  # pyright: ignore[reportOptionalMemberAccess]


def test_rules_and_channels_are_removed_by_the_same_word(served: Any, capsys: pytest.CaptureFixture[str]):
    client = served(notifications={"rules": [RULE]}, remove_rule=RULE, remove_channel=CHANNEL, switch_rule=RULE)
    notify.remove("5e6f7a8b")
    notify.remove("ops")
    notify.switch_off("5e6f7a8b")
    assert [name for name, _, _ in client.asked if name != "notifications"] == [
        "remove_rule",
        "remove_channel",
        "switch_rule",
    ]
    assert capsys.readouterr().err.splitlines()[:2] == ["removed rule 5e6f7a8b", "removed channel ops"]


def test_messages_are_listed_and_sent_again(served: Any, capsys: pytest.CaptureFixture[str]):
    served(deliveries={"deliveries": [DELIVERY]}, retry_delivery=DELIVERY)
    notify.list_deliveries()
    notify.retry("d1")
    out, err = capsys.readouterr()
    assert "test" in out
    assert "on its way again" in err
