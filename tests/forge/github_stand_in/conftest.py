from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.corpora.npm import OPENAPI, published
from tests.corpora.openapi import Description, Watch

from adw.forge.github_stand_in import StandIn

REPO = "ada/tally"
FIRST = {"totals.py": "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\nsix = 6\nseven = 7\neight = 8\nnine = 9\n"}


@dataclass(slots=True)
class Scene:
    """A repository of ada's that bob may write to and eve only read, each with a client of their own."""

    stand: StandIn
    ada: httpx.Client
    bob: httpx.Client
    eve: httpx.Client
    nobody: httpx.Client
    tokens: dict[str, str]

    def change(self, branch: str = "fix", *, by: str = "bob") -> str:
        """A branch that changes the fifth line."""
        text = FIRST["totals.py"].replace("five = 5", f"five = '{branch}'")
        return self.stand.push(REPO, branch, {"totals.py": text}, message="Count to six", by=by)

    def pull(self, branch: str = "fix", **more: object) -> int:
        self.change(branch)
        content = {"title": "Count", "head": branch, "base": "main", **more}
        answer = self.bob.post(f"/repos/{REPO}/pulls", json=content)
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]


@pytest.fixture(scope="session")
def description(request: pytest.FixtureRequest) -> Description:
    return Description.read(published(OPENAPI, request.config.cache))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    yield from served(StandIn(folder=tmp_path / "github"))


@pytest.fixture
def watched(tmp_path: Path, description: Description) -> Iterator[tuple[Scene, Watch]]:
    """A scene of which every request and answer is held against GitHub's description."""
    watch = Watch(description)
    for scene in served(StandIn(folder=tmp_path / "github", observe=watch.see)):
        yield scene, watch


def served(stand: StandIn) -> Iterator[Scene]:
    tokens = {login: stand.add_user(login) for login in ("ada", "bob", "eve")}
    stand.add_repository(REPO, files=FIRST)
    stand.grant(REPO, "bob", "write")
    with stand.serve():
        clients = {login: _client(stand, token) for login, token in tokens.items()}
        clients["nobody"] = _client(stand, None)
        yield Scene(stand=stand, tokens=tokens, **clients)
        for client in clients.values():
            client.close()


def _client(stand: StandIn, token: str | None) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return new_client(stand.api_url, headers)


def new_client(url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """Without certificates, which take longer to read than most tests here last."""
    return httpx.Client(base_url=url, headers=headers, trust_env=False, verify=False, timeout=30)
