"""Effects that cannot be seen: what is known is said, and nothing is done twice."""

from __future__ import annotations

import pytest
from tests.forge.github.client.scripted import HASTY, Said, Script

from adw.domain.forge_text import MAX_BODY_CHARS
from adw.forge.github.texts import as_read, outgoing, same_text
from adw.kit.errors import ForgeUnclearError, UsageError
from adw.store.db import Database

COMMENTS = "/repos/o/r/issues/1/comments"


async def test_an_effect_nobody_ever_sees_stays_unclear(database: Database):
    script = Script().on("GET /user", Said(json={"login": "adw"}))
    script.on(f"GET {COMMENTS}", Said(json=[])).on(f"POST {COMMENTS}", Said(status=502))
    with pytest.raises(ForgeUnclearError):
        await script.github(database).forge("o/r").create_comment(1, body="x", key="k")
    tries = [path for path in script.paths() if path.startswith("POST")]
    assert len(tries) == len(HASTY.repeats_s) + 1
    looks = "".join("w" if path.startswith("POST") else "r" for path in script.paths()[1:])
    assert looks == "rr" + ("w" + "r" * len(HASTY.looks_s)) * len(tries)


async def test_an_effect_of_the_past_takes_one_look(database: Database):
    mine = {"id": 5, "body": "x\n\n<!-- adw:key=k -->", "user": {"login": "ADW"}}
    script = Script().on("GET /user", Said(json={"login": "adw"})).on(f"GET {COMMENTS}", Said(json=[mine]))
    made = await script.github(database).forge("o/r").create_comment(1, body="x", key="k")
    assert (made.id, made.body, made.key) == ("5", "x", "k")
    assert script.paths() == ["GET /user", f"GET {COMMENTS}"]


async def test_a_person_called_like_our_app_is_not_our_app(database: Database):
    theirs = {"id": 5, "body": "x\n\n<!-- adw:key=k -->", "user": {"login": "adw[bot]", "type": "Bot"}}
    script = Script().on("GET /user", Said(json={"login": "adw"})).on(f"GET {COMMENTS}", Said(json=[theirs]))
    [found] = await script.github(database).forge("o/r").list_comments(1)
    assert (found.key, found.body) == (None, theirs["body"])


@pytest.mark.parametrize("key", [None, "1a2b3c4d:status"])
@pytest.mark.parametrize("extra", [0, 1, 5_000])
def test_long_text_is_cut_so_that_its_mark_remains(key: str | None, extra: int):
    sent = outgoing("x" * (MAX_BODY_CHARS + extra), key=key)
    assert len(sent) <= MAX_BODY_CHARS
    assert sent.endswith("-->") == (key is not None)
    assert ("cut here" in sent) == (key is not None or extra > 0)


def test_a_fence_that_is_cut_open_is_closed():
    sent = outgoing("```\n" + "x" * MAX_BODY_CHARS, key="k")
    assert len(sent) <= MAX_BODY_CHARS
    assert as_read(sent).count("```") == 2


def test_text_that_cannot_be_stored_is_refused_however_long():
    for body in ("a\0b", "\ud83d"):
        with pytest.raises(UsageError):
            outgoing(body, key="k")


def test_texts_that_differ_in_how_lines_end_say_the_same():
    assert same_text("a\r\nb\n", "a\nb")
    assert not same_text("a b", "a\nb")
