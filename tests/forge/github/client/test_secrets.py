"""Credentials: an app's are made when needed, and none is found anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from traceback import format_exception

import jwt
import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import text
from tests.forge.github.client.scripted import TOKEN, Said, Script

from adw.forge.github import AppCredential, TokenCredential
from adw.forge.github.client.access import Pass
from adw.kit.errors import AdwError, ConfigurationError, ForgeDeniedError, ForgeError, NotFoundError
from adw.store.db import Database

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
APP = AppCredential(app_id=77, private_key=PEM)
ACCESS = "POST /app/installations/5/access_tokens"
FACTS = {"full_name": "o/r"}


class HeldClock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time


def token(name: str, *, at: datetime) -> Said:
    return Said(status=201, json={"token": f"ghs_{name}", "expires_at": (at + timedelta(hours=1)).isoformat()})


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def script() -> Script:
    return Script().on("GET /repos/o/r/installation", Said(json={"id": 5})).on("GET /repos/o/r", Said(json=FACTS))


async def test_an_app_asks_for_a_token_of_one_repository_and_keeps_it_until_shortly_before_its_end(
    script: Script, database: Database, clock: HeldClock
):
    later = clock.now() + timedelta(minutes=56)
    script.on(ACCESS, token("one", at=clock.now()), token("two", at=later))
    github = script.github(database, credential=APP, clock=clock)
    await github.repository("o/r")
    await github.repository("o/r")
    clock.time = later
    await github.repository("o/r")
    asked = [each for each in script.asked if each.path == "/repos/o/r"]
    assert [each.headers["authorization"] for each in asked] == ["Bearer ghs_one"] * 2 + ["Bearer ghs_two"]
    granted = [each for each in script.asked if each.method == "POST"]
    assert [each.json for each in granted] == [{"repositories": ["r"]}] * 2
    shown = granted[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(shown, KEY.public_key(), algorithms=["RS256"])
    assert claims["iss"] == "77"
    assert claims["exp"] - claims["iat"] <= 600


async def test_a_token_that_was_withdrawn_is_replaced_once(script: Script, database: Database, clock: HeldClock):
    script = Script().on("GET /repos/o/r/installation", Said(json={"id": 5}))
    script.on(ACCESS, token("one", at=clock.now()), token("two", at=clock.now()))
    script.on("GET /repos/o/r", Said(status=401, json={"message": "Bad credentials"}), Said(json=FACTS))
    assert (await script.github(database, credential=APP, clock=clock).repository("o/r")).full_name == "o/r"


async def test_an_app_that_is_not_installed_says_so(database: Database):
    with pytest.raises(NotFoundError, match="not installed in o/r"):
        await Script().github(database, credential=APP).repository("o/r")


async def test_an_app_that_git_hub_does_not_know_says_so(script: Script, database: Database):
    script = Script().on(
        "GET /repos/o/r/installation", Said(status=401, json={"message": "A JWT could not be decoded"})
    )
    with pytest.raises(ForgeDeniedError, match="JWT"):
        await script.github(database, credential=APP).repository("o/r")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nonsense",
        PEM.replace("A", "B"),
        KEY.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
async def test_a_key_that_cannot_be_used_is_a_matter_of_configuration(database: Database, key: str):
    with pytest.raises(ConfigurationError, match="GITHUB_APP_PRIVATE_KEY") as caught:
        await Script().github(database, credential=AppCredential(app_id=1, private_key=key)).repository("o/r")
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "granted", "said"),
    [
        ({"odd": 1}, {}, "named no installation"),
        ([], {}, "something else"),
        ({"id": 5}, {"token": None}, "gave the app no token"),
    ],
)
async def test_an_answer_without_what_an_app_needs_is_the_forges_failure(
    database: Database, found: object, granted: object, said: str
):
    script = Script().on("GET /repos/o/r/installation", Said(json=found)).on(ACCESS, Said(status=201, json=granted))
    with pytest.raises(ForgeError, match=said):
        await script.github(database, credential=APP).repository("o/r")


async def test_an_app_writes_under_its_own_name(script: Script, database: Database, clock: HeldClock):
    script.on("GET /app", Said(json={"slug": "adw-bot"}))
    account = await script.github(database, credential=APP, clock=clock).forge("o/r").ourselves()
    assert (account.login, account.is_bot) == ("adw-bot[bot]", True)


async def test_the_token_of_a_job_has_a_name_too(database: Database):
    script = Script().on("GET /user", Said(status=403, json={"message": "Resource not accessible by integration"}))
    script.on("POST /graphql", Said(json={"data": {"viewer": {"login": "github-actions[bot]"}}}))
    account = await script.github(database).forge("o/r").ourselves()
    assert (account.login, account.is_bot) == ("github-actions[bot]", True)


async def test_git_gets_the_credential_for_our_own_host_only(script: Script, database: Database, clock: HeldClock):
    script.on(ACCESS, token("one", at=clock.now()))
    github = script.github(database, credential=APP, clock=clock)
    found = await github.git_credential(github.clone_url("o/r"))
    assert found is not None
    assert (found.user, found.token) == ("x-access-token", "ghs_one")
    for url in (
        "https://github.test.evil/o/r.git",
        "http://github.test/o/r.git",
        "https://github.test:444/o/r.git",
        "https://me@github.test/o/r.git",
        "https://api.github.test/o/r.git",
        "https://github.test/o",
        "git@github.test:o/r.git",
    ):
        assert await github.git_credential(url) is None
    assert await script.github(database, credential=None).git_credential(github.clone_url("o/r")) is None


async def test_a_secret_is_nowhere(
    script: Script, database: Database, clock: HeldClock, capsys: pytest.CaptureFixture[str]
):
    said = list[str]()
    for credential, secret in ((TokenCredential(token=f" {TOKEN}\n"), TOKEN), (APP, "ghs_one")):
        script.on(ACCESS, token("one", at=clock.now()))
        script.on("GET /user", Said(status=500, json={"message": "no"}))
        github = script.github(database, credential=credential, clock=clock)
        await github.repository("o/r")
        for broken in (github.forge("o/r").ourselves(), github.repository("o/none"), github.forge("o/r").get_issue(1)):
            with pytest.raises(AdwError) as caught:
                await broken
            said.append(repr(caught.value) + "".join(format_exception(caught.value)))
        shown = await github._api.git_pass("o/r")
        assert isinstance(shown, Pass)
        assert shown.token == secret
        said += [repr(github), repr(github.forge("o/r")), repr(credential), str(credential), repr(shown)]
        said.append(repr(await github.git_credential(github.clone_url("o/r"))))
    structlog.get_logger().info("all", values=said)
    said += [capsys.readouterr().out, await _everything(database)]
    for secret in (TOKEN, "ghs_one", PEM.splitlines()[3]):
        assert not [text for text in said if secret in text]


async def _everything(database: Database) -> str:
    async with database.read() as connection:
        names = (
            await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        ).scalars()
        rows = [(await connection.execute(text(f'SELECT * FROM "{name}"'))).all() for name in names]
    return repr(rows)
