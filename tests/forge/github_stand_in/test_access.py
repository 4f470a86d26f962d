from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.forge.github_stand_in.conftest import REPO, Scene, new_client
from tests.forge.github_stand_in.test_pulls import R
from tests.forge.github_stand_in.tour import PUBLIC, app_token


def client(scene: Scene, token: str) -> httpx.Client:
    return new_client(scene.stand.api_url, {"authorization": f"Bearer {token}"})


def status(scene: Scene, token: str, path: str) -> int:
    with client(scene, token) as asking:
        return asking.get(path).status_code


def test_both_addresses_of_the_api_are_one(scene: Scene):
    with new_client(scene.stand.server_url) as bare:
        assert bare.get(f"/repos/{REPO}").json() == scene.nobody.get(f"/repos/{REPO}").json()
        assert bare.get("/nothing").status_code == 404


def test_rights_decide(scene: Scene):
    new = {"title": "t"}
    assert scene.nobody.get(R).status_code == 200
    assert scene.nobody.post(f"{R}/issues", json=new).status_code == 401
    assert scene.eve.post(f"{R}/issues", json={**new, "labels": ["bug"]}).json()["labels"] == []
    assert scene.eve.post(f"{R}/issues/1/labels", json={"labels": ["bug"]}).status_code == 403
    assert scene.eve.post(f"{R}/pulls", json={"title": "t", "head": "a", "base": "main"}).status_code == 403
    assert scene.bob.get(f"{R}/hooks").status_code == 403
    assert scene.bob.get(f"{R}/branches/main/protection").status_code == 404
    assert status(scene, "ghp_wrong", R) == 401


def test_what_is_private_is_not_there_for_others(scene: Scene):
    scene.stand.add_repository("ada/secret", private=True)
    assert [one.get("/repos/ada/secret").status_code for one in (scene.ada, scene.bob, scene.nobody)] == [200, 404, 404]


def test_a_token_may_do_less_than_its_account(scene: Scene):
    read = scene.stand.add_token("ada", ceiling="read", classic=False)
    elsewhere = scene.stand.add_token("ada", repositories=["ada/other"], classic=False)
    for token in (read, elsewhere):
        with client(scene, token) as limited:
            assert limited.get(R).status_code == 200
            answer = limited.put(f"{R}/issues/1/lock", json={})
        assert (answer.status_code, answer.json()["message"]) == (
            403,
            "Resource not accessible by personal access token",
        )


def test_apps_sign_in_with_their_key_and_work_with_short_tokens(scene: Scene):
    app = scene.stand.add_app("robot", owner="ada", public_key=PUBLIC)
    scene.stand.install("robot", owner="ada", repositories=[REPO])
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    refused = [
        app_token(app.id, key=other.decode()),
        app_token(app.id, lives_s=-120),
        app_token(app.id, lives_s=3600),
        app_token("stranger"),
        "a.b.c",
    ]
    assert [status(scene, token, "/app") for token in refused] == [401] * len(refused)
    with client(scene, app_token(app.id)) as signed:
        number = signed.get(f"{R}/installation").json()["id"]
        made = signed.post(f"/app/installations/{number}/access_tokens", json={"repositories": ["tally"]}).json()
        assert signed.post("/app/installations/1/access_tokens", json={}).status_code == 404
        wrong = signed.post(f"/app/installations/{number}/access_tokens", json={"repositories": ["other"]})
        assert wrong.status_code == 422
    with client(scene, made["token"]) as robot:
        assert robot.get("/user").status_code == 403
        user = robot.post(f"{R}/issues", json={"title": "t"}).json()["user"]
        assert (user["login"], user["type"]) == ("robot[bot]", "Bot")
        assert robot.get(f"{R}/hooks").json()["message"] == "Resource not accessible by integration"
        scene.stand.world.tokens[made["token"]].expires_at = datetime.now(UTC) - timedelta(seconds=1)
        assert robot.get(R).status_code == 401


def test_only_apps_report_check_runs(scene: Scene):
    sha = scene.change()
    answer = scene.ada.post(f"{R}/check-runs", json={"name": "ci", "head_sha": sha})
    assert (answer.status_code, answer.json()["message"]) == (403, "You must authenticate via a GitHub App.")


@pytest.mark.parametrize(("login", "coarse", "role"), [("ada", "admin", "admin"), ("eve", "read", "read")])
def test_the_permission_of_an_account_is_told(scene: Scene, login, coarse, role):
    told = scene.bob.get(f"{R}/collaborators/{login}/permission").json()
    assert (told["permission"], told["role_name"], told["user"]["login"]) == (coarse, role, login)


def test_finer_permissions_have_a_coarse_name(scene: Scene):
    scene.stand.grant(REPO, "eve", "triage")
    told = scene.bob.get(f"{R}/collaborators/eve/permission").json()
    assert (told["permission"], told["role_name"]) == ("read", "triage")
    assert scene.bob.get(f"{R}/collaborators/nobody/permission").status_code == 404


def test_who_asks_too_often_waits(scene: Scene):
    scene.stand.app._budgets._limit = 2
    answers = [scene.bob.get(R) for _ in range(3)]
    assert [(one.status_code, one.headers["x-ratelimit-remaining"]) for one in answers] == [
        (200, "1"),
        (200, "0"),
        (403, "0"),
    ]
    assert scene.ada.get(R).status_code == 200
    assert scene.bob.get("/rate_limit").status_code == 403
