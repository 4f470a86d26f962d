from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from adw.forge.github_stand_in import DEFAULT, StandIn, read_seed, sow
from adw.kit.errors import ConfigurationError, ConflictError, NotFoundError

SEED = """
[[users]]
login = "ada"
token = "ghp_known"

[[users]]
login = "linter[bot]"
type = "Bot"

[[repositories]]
name = "ada/tally"
from = "tally"
private = true
permissions = { bob = "write" }
protection = { checks = ["ci"], approvals = 1 }

[[repositories.issues]]
title = "Wrong totals"
author = "eve"
labels = ["bug"]

[[repositories.webhooks]]
url = "http://127.0.0.1:9/webhooks/github"
secret = "s"
content_type = "form"

[[repositories]]
name = "carl/notes"
"""


def test_a_seed_file_makes_the_scene(tmp_path: Path):
    other = tmp_path / "tally"
    person = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "main", other], check=True)
    subprocess.run(["git", *person, "commit", "-q", "--allow-empty", "-m", "x"], cwd=other, check=True)
    (tmp_path / "seed.toml").write_text(SEED)
    stand = StandIn(folder=tmp_path / "github")
    sown = sow(stand, read_seed(tmp_path / "seed.toml"))
    tally = stand.world.repository("ada/tally")
    assert (sown.repositories, sown.tokens["ada"], set(sown.tokens)) == (
        ("ada/tally", "carl/notes"),
        "ghp_known",
        {"ada", "linter[bot]", "carl"},
    )
    assert (tally.private, tally.grants, tally.protections["main"].checks) == (True, {"bob": "write"}, ["ci"])
    assert (tally.issues[1].author, tally.issues[1].labels) == ("eve", ["bug"])
    assert [hook.content_type for hook in tally.hooks.values()] == ["form"]
    stand.stop()


def test_without_a_seed_there_is_something_to_begin_with(tmp_path: Path):
    stand = StandIn(folder=tmp_path)
    sown = sow(stand, DEFAULT)
    assert set(sown.tokens) == {"you", "adw"}
    assert stand.issue("you/sandbox", 1).title == "Say hello in the README"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users = 1", "users"),
        ("[[users]]\nname = 'ada'", "users.0.login"),
        ("[[repositories]]\nname = 'tally'", "repositories.0.name"),
        ("users = ", "Invalid value"),
    ],
)
def test_a_seed_that_cannot_be_used_says_where(tmp_path: Path, text, said):
    (tmp_path / "seed.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_seed(tmp_path / "seed.toml")


def test_a_seed_that_is_not_there_is_not_found(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no such seed"):
        read_seed(tmp_path / "seed.toml")


async def test_either_kind_of_block_serves_and_a_taken_port_is_a_conflict():
    stand = StandIn()
    async with stand.serve() as serving:
        port = int(serving.server_url.rpartition(":")[2])
        with pytest.raises(ConflictError, match="cannot be used"):
            StandIn().start(port=port)
    assert not stand.world.folder.exists()
