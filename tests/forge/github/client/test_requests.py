"""How requests are sent, repeated, waited for and remembered."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.forge.github.client.scripted import API, HASTY, TOKEN, Said, Script

from adw.domain.rates import RateLimits
from adw.forge.github import GitHub, TokenCredential
from adw.forge.github.client.call import Call
from adw.kit.errors import (
    ConfigurationError,
    ForgeDeniedError,
    ForgeError,
    ForgeLimitError,
    ForgeUnclearError,
    NotFoundError,
    UsageError,
)
from adw.store.db import Database

REPO = "GET /repos/o/r"
FACTS = {"full_name": "o/r", "default_branch": "trunk"}
COMMENTS = "/repos/o/r/issues/1/comments"
ME = Said(json={"login": "adw", "type": "User"})


@pytest.fixture
def script() -> Script:
    return Script().on("GET /user", ME)


async def test_an_answer_that_still_holds_is_not_sent_again_even_after_a_restart(script: Script, database: Database):
    script.on(REPO, Said(json=FACTS, headers={"etag": '"v1"'}), Said(status=304), Said(json={**FACTS, "private": True}))
    first, again = script.github(database), script.github(database)
    assert await first.repository("o/r") == await again.repository("o/r")
    assert (await again.repository("o/r")).is_private
    assert [each.headers.get("if-none-match") for each in script.asked] == [None, '"v1"', '"v1"']


async def test_what_one_credential_was_answered_is_not_told_to_another(script: Script, database: Database):
    script.on(REPO, Said(json=FACTS, headers={"etag": '"v1"'}))
    for credential in (TokenCredential(token="one"), TokenCredential(token="two"), None):
        await script.github(database, credential=credential).repository("o/r")
    assert [each.headers.get("if-none-match") for each in script.asked] == [None, None, None]
    assert "authorization" not in script.asked[2].headers


@pytest.mark.parametrize(
    "broken", [Said(status=502), Said(status=500), httpx.ReadTimeout("x"), httpx.ConnectError("x")]
)
async def test_a_reading_request_is_repeated(script: Script, database: Database, broken: Said | Exception):
    script.on(REPO, broken, broken, Said(json=FACTS))
    assert (await script.github(database).repository("o/r")).default_branch == "trunk"
    assert script.paths() == [REPO] * 3


async def test_patience_ends(script: Script, database: Database):
    script.on(REPO, Said(status=503, json={"message": "No server is available"}))
    with pytest.raises(ForgeError, match="No server is available") as caught:
        await script.github(database).repository("o/r")
    assert caught.value.retryable
    assert len(script.asked) == len(HASTY.repeats_s) + 1


@pytest.mark.parametrize("broken", [Said(status=502), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")])
async def test_a_writing_request_is_never_repeated_blindly(
    script: Script, database: Database, broken: Said | Exception
):
    script.on(f"POST {COMMENTS}", broken)
    with pytest.raises(ForgeUnclearError, match="comment on #1"):
        await script.github(database).forge("o/r").create_comment(1, body="x", key=None)
    assert script.paths() == ["GET /user", f"POST {COMMENTS}"]


async def test_a_writing_request_that_was_never_sent_is_repeated(script: Script, database: Database):
    script.on(f"POST {COMMENTS}", httpx.ConnectError("refused"), Said(status=201, json={"id": 7, "body": "x"}))
    assert (await script.github(database).forge("o/r").create_comment(1, body="x", key=None)).id == "7"


async def test_a_secondary_limit_holds_back_everybody_with_the_credential(script: Script, database: Database):
    limited = Said(
        status=403, json={"message": "You have exceeded a secondary rate limit"}, headers={"retry-after": "40"}
    )
    script.on(REPO, limited)
    with pytest.raises(ForgeLimitError) as caught:
        await script.github(database).repository("o/r")
    assert caught.value.until is not None
    assert 30 < (caught.value.until - datetime.now(UTC)).total_seconds() <= 40
    with pytest.raises(ForgeLimitError):
        await script.github(database).repository("o/other")
    assert script.paths() == [REPO]
    script.on("GET /repos/o/free", Said(json=FACTS))
    await script.github(database, credential=TokenCredential(token="other")).repository("o/free")


async def test_a_limit_that_ends_soon_is_waited_for(script: Script, database: Database):
    reset = str(int(time.time()) + 1)
    exhausted = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "x-ratelimit-limit": "60"}
    refused = Said(status=403, json={"message": "API rate limit exceeded"}, headers=exhausted)
    script.on(REPO, refused, Said(json=FACTS, headers={**exhausted, "x-ratelimit-remaining": "59"}))
    patience = HASTY.__class__(repeats_s=HASTY.repeats_s, looks_s=HASTY.looks_s, most_wait_s=5)
    assert (await script.github(database, patience=patience).repository("o/r")).full_name == "o/r"
    assert time.time() >= int(reset)


async def test_an_allowance_that_is_used_up_stops_us_before_github_does(script: Script, database: Database):
    reset = str(int(time.time()) + 600)
    script.on(REPO, Said(json=FACTS, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}))
    github = script.github(database)
    await github.repository("o/r")
    with pytest.raises(ForgeLimitError, match="until"):
        await github.repository("o/r")
    assert len(script.asked) == 1


async def test_writing_is_paced(script: Script, database: Database):
    script.on(f"POST {COMMENTS}", Said(status=201, json={"id": 7}))
    forge = script.github(database, limits=RateLimits(writes_per_minute=4)).forge("o/r")
    for _ in range(2):
        await forge.create_comment(1, body="x", key=None)
    with pytest.raises(ForgeLimitError) as caught:
        await forge.create_comment(1, body="x", key=None)
    assert caught.value.until is not None
    assert caught.value.until - datetime.now(UTC) < timedelta(minutes=1)


async def test_only_so_many_requests_are_under_way_at_once(script: Script, database: Database):
    under_way, most = 0, 0
    are_three = asyncio.Event()

    async def count(_: object) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            are_three.set()
        async with asyncio.timeout(10):
            await are_three.wait()
        await asyncio.sleep(0.02)  # in which a fourth would come
        under_way -= 1

    script.before = count
    script.on(REPO, Said(json=FACTS))
    patience = HASTY.__class__(most_at_once=3, most_wait_s=5)
    github = script.github(database, patience=patience)
    await asyncio.gather(*(github.repository("o/r") for _ in range(12)))
    assert most == 3


async def test_the_next_page_is_asked_of_us_wherever_its_address_leads(script: Script, database: Database):
    link = '<https://elsewhere.test/repositories/1/issues?page=2&per_page=100>; rel="next"'
    issues = "GET /repos/o/r/issues"
    script.on(issues, Said(json=[{"number": 2}], headers={"link": link}), Said(json=[{"number": 1}]))
    found = await script.github(database).forge("o/r").list_issues()
    assert [issue.number for issue in found] == [2, 1]
    pages = [each for each in script.asked if each.path.endswith("/issues")]
    assert {each.host for each in pages} == {"api.github.test"}
    assert pages[1].query == "page=2&per_page=100"


async def test_a_page_that_begins_after_a_full_one_is_found_although_the_full_one_did_not_change(
    script: Script, database: Database
):
    comments = [{"id": number, "body": "x"} for number in range(1, 102)]
    script.on(f"GET {COMMENTS}", Said(json=comments[:100], headers={"etag": '"full"'}), Said(status=304))
    forge = script.github(database).forge("o/r")
    assert len(await forge.list_comments(1)) == 100
    script.on(f"GET {COMMENTS}", Said(json=comments[100:]))
    assert len(await forge.list_comments(1)) == 101
    assert [each.query for each in script.asked[1:]] == ["per_page=100", "per_page=100", "per_page=100&page=2"]


async def test_a_repository_that_moved_is_followed_on_the_same_host(script: Script, database: Database):
    script.on(REPO, Said(status=301, headers={"location": f"{API}/repositories/7"}))
    script.on("GET /repositories/7", Said(json={**FACTS, "full_name": "o/renamed"}))
    assert (await script.github(database).repository("o/r")).full_name == "o/renamed"
    assert script.asked[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_nobody_is_followed_to_another_host(script: Script, database: Database):
    script.on(REPO, Said(status=302, headers={"location": "https://evil.test/x"}))
    with pytest.raises(ForgeError, match=r"another host, evil\.test"):
        await script.github(database).repository("o/r")
    assert len(script.asked) == 1


async def test_circles_are_not_followed_for_ever(script: Script, database: Database):
    script.on(REPO, Said(status=302, headers={"location": f"{API}/repos/o/r"}))
    with pytest.raises(ForgeError, match="in circles"):
        await script.github(database).repository("o/r")


async def test_a_log_elsewhere_is_read_without_our_credential_and_cut(script: Script, database: Database):
    script.on("GET /repos/o/r/x", Said(status=302, headers={"location": "https://logs.test/blob?sig=1"}))
    script.on("GET /blob", Said(status=503), httpx.ReadError("x"), Said(text="old\n" * 50_000 + "the end"))
    github = script.github(database)
    call = Call(method="GET", path="/repos/o/r/x", what="read a log")
    answer = await github._api.tail(call, most_bytes=1_000)
    assert answer.text.endswith("the end")
    assert [each.host for each in script.asked] == ["api.github.test", "logs.test"] * 3
    assert ["authorization" in each.headers for each in script.asked] == [True, False] * 3


async def test_nothing_is_written_without_a_credential(script: Script, database: Database):
    script.on(f"GET {COMMENTS}", Said(json=[{"id": 1, "body": "hi", "user": None}]))
    forge = script.github(database, credential=None).forge("o/r")
    assert [comment.author for comment in await forge.list_comments(1)] == ["ghost"]
    with pytest.raises(ForgeDeniedError, match="without a credential") as caught:
        await forge.create_comment(1, body="x", key="k")
    assert caught.value.hint is not None
    assert "GITHUB_TOKEN" in caught.value.hint


async def test_a_wrong_token_is_said_to_be_wrong(script: Script, database: Database):
    script.on(REPO, Said(status=401, json={"message": "Bad credentials"}))
    with pytest.raises(ForgeDeniedError, match="Bad credentials"):
        await script.github(database).repository("o/r")
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("credential", "said"), [(None, "private one"), (TokenCredential(token="x"), "GITHUB_TOKEN may see")]
)
async def test_a_repository_nobody_shows_comes_with_a_hint(
    script: Script, database: Database, credential: TokenCredential | None, said: str
):
    with pytest.raises(NotFoundError, match="no repository o/hidden") as caught:
        await script.github(database, credential=credential).repository("o/hidden")
    assert caught.value.hint is not None
    assert said in caught.value.hint


async def test_what_is_not_json_is_the_forges_failure(script: Script, database: Database):
    script.on(REPO, Said(text="<html>"))
    with pytest.raises(ForgeError, match="not JSON"):
        await script.github(database).repository("o/r")


@pytest.mark.parametrize("name", ["o", "o/r/x", "../r", "o/..", "o/r?x=1", "o/r#", "", "o /r", "o/."])
async def test_what_is_no_repository_is_refused_before_anything_is_asked(script: Script, database: Database, name: str):
    with pytest.raises(UsageError):
        await script.github(database).repository(name)
    assert script.asked == []


@pytest.mark.parametrize(
    "address", ["http://github.example", "ftp://x", "github.com", "https://u:p@x", "https://x?a=1"]
)
def test_a_credential_never_travels_in_the_open(database: Database, address: str):
    with pytest.raises(ConfigurationError, match="GITHUB_API_URL"):
        GitHub(api_url=address, server_url="https://github.test", database=database)


async def test_an_enterprise_server_has_its_own_paths(script: Script, database: Database):
    script.on(
        "POST /api/graphql", Said(json={"data": {"repository": {"pullRequest": {"reviewThreads": {"nodes": []}}}}})
    )
    script.on("GET /api/v3/user", ME)
    forge = script.github(database, api_url="https://ghe.test/api/v3/").forge("o/r")
    assert await forge.list_threads(1) == []
    assert script.paths() == ["GET /api/v3/user", "POST /api/graphql"]
    assert script.asked[1].json["operationName"] == "Threads"
