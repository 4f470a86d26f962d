from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.agent import ModelSet
from adw.domain.directives import Choices, find_command, find_directives, find_request, spoken_lines

COMMANDS = [
    ("@adw sdlc", "sdlc", Choices()),
    ("adw sdlc", "sdlc", Choices()),
    ("@adw: sdlc heavy", "sdlc", Choices(model_set=ModelSet.HEAVY)),
    ("@ADW Plan_Build lightweight", "plan-build", Choices(model_set=ModelSet.LIGHTWEIGHT)),
    ("Hello,\n\n@adw sdlc_zte\nthank you", "zte", Choices()),
    ("@my-bot patch --skip-e2e --no-auto-resolve", "patch", Choices(skip_e2e=True, auto_resolve=False)),
    ("adw is what we use here\nadw sdlc", "sdlc", Choices()),
    ("@adw nonsense", "nonsense", Choices()),
    ("```\nadw plan\n```\nadw sdlc\n", "sdlc", Choices()),
    ("> adw plan\n\nadw sdlc", "sdlc", Choices()),
    ("adw sdlc\r\nthanks", "sdlc", Choices()),
]
NO_COMMANDS = [
    "",
    "adw",
    "@adw",
    "adw is great",
    "we use adw sdlc here",
    "see @adw sdlc",
    "adw sdlc is what I would try",
    "adw review found nothing",
    "  adw sdlc",
    "\tadw sdlc",
    "- adw sdlc",
    "> adw sdlc",
    "> somebody said\nadw sdlc",
    "```\nadw sdlc\n```",
    "~~~ text\nadw sdlc\n```\nadw sdlc\n~~~",
    "````\n```\nadw sdlc\n````",
    "```\nadw sdlc",
    "<!-- adw sdlc -->",
    "<!--\nadw sdlc\n-->",
    "<!--\nadw sdlc",
    "<pre>\nadw sdlc\n</pre>",
    "@somebody sdlc",
    "badw sdlc",
    "adws sdlc",
    "`adw sdlc`",
    "adw_sdlc",
    "adw\nsdlc",
]


@pytest.mark.parametrize(("text", "kind", "choices"), COMMANDS)
def test_a_line_that_says_nothing_else_is_a_command(text: str, kind: str, choices: Choices):
    found = find_command(text, names=["my-bot[bot]"])
    assert found is not None
    assert (found.kind, found.choices, found.is_complete) == (kind, choices, True)


@pytest.mark.parametrize("text", NO_COMMANDS)
def test_mentioning_quoting_or_showing_is_no_command(text: str):
    assert find_command(text, names=["my-bot"]) is None


def test_words_beyond_a_command_order_nothing_but_are_known_to_be_meant_for_us():
    found = find_command("@adw sdlc and then rest")
    assert found is not None
    assert not found.is_complete
    assert find_command("@adw please fix this\nadw sdlc").kind == "sdlc"  # pyright: ignore[reportOptionalMemberAccess]


def test_a_request_is_all_that_follows_our_name():
    assert find_request("@adw, rename it\nand test it", names=[]) == "rename it\nand test it"
    assert find_request("Well.\n\n@adw make it blue") == "make it blue"
    assert find_request("> @adw make it blue") is None
    assert find_request("I told @adw to make it blue") is None
    assert find_request("@adw") is None


def test_directives_are_read_at_the_start_of_lines():
    text = "It is broken.\n\nworkflow: plan_build\nmodel_set: heavy\n--skip-e2e\nauto_resolve: false\nworkflow: zte\n"
    found = find_directives(text)
    assert found.kind == "plan-build"
    assert found.choices == Choices(model_set=ModelSet.HEAVY, skip_e2e=True, auto_resolve=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The workflow: sdlc is broken",
        "> workflow: sdlc",
        "```\nworkflow: sdlc\n```",
        "workflow: sdlc please",
        "    workflow: sdlc",
    ],
)
def test_directives_that_are_not_lines_of_their_own_are_text(text: str):
    assert find_directives(text).kind is None


def test_switches_may_be_written_either_way():
    assert find_directives("skip_e2e: true").choices.skip_e2e
    assert not find_directives("skip_e2e: false").choices.skip_e2e
    assert not find_directives("--no-auto-resolve").choices.auto_resolve
    assert find_directives("auto-resolve: on").choices.auto_resolve
    assert find_directives("model_set: enormous").choices.model_set is None


@given(st.text(max_size=400))
def test_no_text_confuses_the_reading(text: str):
    find_command(text)
    find_directives(text)
    find_request(text)
    assert all("\n" not in line for line in spoken_lines(text))


@given(st.text(alphabet=st.characters(exclude_characters="`~<>\r\n"), max_size=60))
def test_whatever_is_quoted_orders_nothing(text: str):
    quoted = "\n".join(f"> {line}" for line in [text, "adw sdlc", "@adw zte", "workflow: zte"])
    assert find_command(quoted) is None
    assert find_directives(quoted).kind is None
    assert find_command(f"```\n{quoted.replace('> ', '')}\n```") is None


def test_a_text_without_end_is_read_in_no_time():
    for text in ("<!--" * 20_000, "<pre>" * 14_000, "```\n" * 17_000, "adw " * 17_000, "a:" * 35_000, "-" * 70_000):
        assert find_command(text) is None or text.startswith("adw")
        find_directives(text)
