from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from tests.forge.github_stand_in.conftest import REPO, Scene
from tests.forge.github_stand_in.test_pulls import R

SECRET = "It's a Secret to Everybody"


class Receiver:
    """Listens where webhooks are sent to; answers with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 202
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def delivered(scene: Scene) -> None:
    """Waits until everything was handed over."""
    until = time.monotonic() + 20
    while scene.stand.undelivered:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_deliveries_are_signed_over_the_bytes_that_are_sent(scene: Scene, receiver: Receiver):
    for kind in ("json", "form"):
        scene.stand.add_hook(REPO, receiver.url, secret=SECRET, events=["issues"], content_type=kind, greet=False)
    scene.stand.add_issue(REPO, "Größe & more", body="a=b%20+")
    delivered(scene)
    [(first, as_json), (second, as_form)] = receiver.got
    for headers, body in receiver.got:
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature-256"] == f"sha256={expected}"
    assert (first["content-type"], second["content-type"]) == ("application/json", "application/x-www-form-urlencoded")
    assert json.loads(as_json) == json.loads(parse_qs(as_form.decode())["payload"][0])
    assert json.loads(as_json)["issue"]["title"] == "Größe & more"
    assert first["x-github-event"] == "issues"
    assert first["x-github-delivery"] != second["x-github-delivery"]


def test_a_new_hook_is_greeted_and_hears_only_what_it_asked_for_in_order(scene: Scene, receiver: Receiver):
    config = {"url": receiver.url, "content_type": "json", "secret": SECRET}
    scene.ada.post(f"{R}/hooks", json={"config": config, "events": ["issues", "issue_comment"]})
    number = scene.stand.add_issue(REPO, "a", labels=["adw:sdlc"])
    scene.stand.comment(REPO, number, "hello", by="eve")
    scene.stand.close(REPO, number, by="bob")
    delivered(scene)
    told = [(headers["x-github-event"], json.loads(body).get("action")) for headers, body in receiver.got]
    assert told == [
        ("ping", None),
        ("issues", "opened"),
        ("issues", "labeled"),
        ("issue_comment", "created"),
        ("issues", "closed"),
    ]
    assert json.loads(receiver.got[3][1])["sender"]["login"] == "eve"


def test_a_delivery_shows_the_moment_it_tells_of(scene: Scene, receiver: Receiver):
    scene.stand.add_hook(REPO, receiver.url, events=["issues"], greet=False)
    number = scene.stand.add_issue(REPO, "a")
    scene.stand.edit(REPO, number, title="b")
    delivered(scene)
    assert [json.loads(body)["issue"]["title"] for _, body in receiver.got] == ["a", "b"]
    assert json.loads(receiver.got[1][1])["changes"] == {"title": {"from": "a"}}


def test_a_delivery_may_be_repeated_under_its_own_name(scene: Scene, receiver: Receiver):
    hook = scene.stand.add_hook(REPO, receiver.url, secret=SECRET, events=["issues"], greet=False)
    receiver.status = 500
    scene.stand.add_issue(REPO, "a")
    delivered(scene)
    receiver.status = 202
    [failed] = scene.ada.get(f"{R}/hooks/{hook}/deliveries").json()
    assert (failed["status_code"], failed["redelivery"]) == (500, False)
    scene.ada.post(f"{R}/hooks/{hook}/deliveries/{failed['id']}/attempts")
    scene.stand.redeliver(failed["guid"])
    delivered(scene)
    assert {headers["x-github-delivery"] for headers, _ in receiver.got} == {failed["guid"]}
    assert len({(headers["x-hub-signature-256"], body) for headers, body in receiver.got}) == 1
    shown = scene.ada.get(f"{R}/hooks/{hook}/deliveries").json()
    assert [(one["status_code"], one["redelivery"]) for one in shown] == [(202, True), (202, True), (500, False)]


def test_the_hook_of_an_app_says_whose_it_is(scene: Scene, receiver: Receiver):
    scene.stand.add_app("robot", owner="ada")
    number = scene.stand.install("robot", owner="ada").id
    scene.stand.add_hook(REPO, receiver.url, installation=number, greet=False)
    elsewhere = scene.stand.install("robot", owner="ada", repositories=["ada/other"]).id
    scene.stand.add_hook(REPO, receiver.url, installation=elsewhere, greet=False)
    scene.stand.add_issue(REPO, "a")
    delivered(scene)
    assert [json.loads(body)["installation"]["id"] for _, body in receiver.got] == [number]


def test_a_receiver_that_is_not_there_holds_up_nobody(scene: Scene, receiver: Receiver):
    gone = scene.stand.add_hook(REPO, "http://127.0.0.1:9/", events=["issues"], greet=False)
    scene.stand.add_hook(REPO, receiver.url, events=["issues"], greet=False)
    scene.stand.add_issue(REPO, "a")
    delivered(scene)
    assert len(receiver.got) == 1
    [lost] = scene.ada.get(f"{R}/hooks/{gone}/deliveries").json()
    assert (lost["status_code"], lost["status"][:17]) == (0, "failed to connect")


def test_a_secret_is_shown_to_nobody(scene: Scene, receiver: Receiver):
    hook = scene.stand.add_hook(REPO, receiver.url, secret=SECRET)
    delivered(scene)
    assert SECRET not in scene.ada.get(f"{R}/hooks/{hook}").text
    [delivery] = scene.ada.get(f"{R}/hooks/{hook}/deliveries").json()
    whole = scene.ada.get(f"{R}/hooks/{hook}/deliveries/{delivery['id']}").text
    assert SECRET not in whole
    assert "x-hub-signature" not in whole
