"""Files that people wrote for other programs too: what is understood, what is refused, in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.agent_template import MAX_TEMPLATE_BYTES, AgentTemplate, parse_template
from adw.domain.free_agent import ALL_TOOLS, check_name, known_rules, policy_of
from adw.kit.errors import ConfigurationError, UsageError
from adw.project.agent_templates import built_in_templates

ORIGIN = ".claude/agents/doc-writer.md"


def read(head: str, body: str = "You write.") -> AgentTemplate:
    return parse_template(f"---\n{head}\n---\n\n{body}\n".encode(), origin=ORIGIN)


def test_a_head_as_people_write_it_is_understood():
    found = read(
        'name: "doc writer"\n'
        "description: Use this when: docs are old.\\nExamples: <example>user: 'hi'</example>\n"
        "# a remark\n"
        "color: green\n"
        "tools: Read, Grep, Bash(git log:*), Bash(ls a, b), WebFetch, mcp__x__y, Read\n"
        "model: opus"
    )
    assert (found.name, found.model, found.system_prompt) == ("doc writer", "opus", "You write.")
    assert found.description == "Use this when: docs are old. Examples: <example>user: 'hi'</example>"
    assert found.tools == ("Read", "Grep", "Bash(git log:*)", "Bash(ls a, b)")
    assert found.left_out == ("WebFetch", "mcp__x__y")


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("tools:\n  - Read\n  - 'Edit'", ("Read", "Edit")),
        ('tools: ["Read", "Edit"]', ("Read", "Edit")),
        ("allowed-tools: Read Edit".replace(" Edit", ", Edit"), ("Read", "Edit")),
        ("tools: '*'", ALL_TOOLS),
        ("tools: all", ALL_TOOLS),
        ("tools:", ALL_TOOLS),
        ("tools: []", ()),
        ("description: x", ALL_TOOLS),
    ],
)
def test_tools_are_read_in_all_notations(tools: str, expected: tuple[str, ...]):
    assert read(tools).tools == expected


def test_what_is_not_said_has_a_default_and_long_texts_may_span_lines():
    found = read("description: >-\n  One line\n  and another.\nmodel: inherit", "Line one.\n\n---\n\nLine two.")
    assert (found.name, found.model) == ("doc-writer", None)
    assert found.description == "One line and another."
    assert found.system_prompt == "Line one.\n\n---\n\nLine two."


def test_line_ends_of_windows_and_a_mark_at_the_beginning_do_no_harm():
    content = "\ufeff---\r\nname: w\r\ntools: Read\r\n---\r\nDo.\r\n".encode()
    assert (parse_template(content, origin=ORIGIN).tools, parse_template(content, origin=ORIGIN).name) == (
        ("Read",),
        "w",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"You have no head.\n", "does not begin with"),
        (b"", "does not begin with"),
        (b"---\nname: x\n", "no second line"),
        (b"---\nname: x\n---\n\n", "no prompt"),
        (b"---\nname: x\ntools: WebFetch\n---\nGo.", "names no tool"),
        (b"---\nname: ../x\n---\nGo.", "cannot be used"),
        (b"---\nname: \xff\n---\nGo.", "UTF-8"),
        (b"---\nname: x\n---\nGo.\0", "NUL"),
        (b"x" * (MAX_TEMPLATE_BYTES + 1), "larger"),
    ],
)
def test_a_file_that_cannot_be_used_says_which_and_why(content: bytes, problem: str):
    with pytest.raises(ConfigurationError, match=problem) as refused:
        parse_template(content, origin=ORIGIN)
    assert refused.value.message.startswith(ORIGIN)


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"---\n{text}\n---\nGo.".encode("utf-8", "ignore"))
)
def test_whatever_the_file_holds_it_is_a_template_or_a_sentence(content: bytes):
    try:
        found = parse_template(content, origin=ORIGIN)
    except ConfigurationError:
        return
    assert set(found.tools) == set(known_rules(found.tools))
    assert found.system_prompt


def test_ours_can_be_used_and_two_of_them_only_read():
    tools = {each.name: policy_of(each.tools).writable for each in built_in_templates()}
    assert tools == {"builder": ("**",), "researcher": (), "reviewer": ()}


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a--b", "a/b", "..", "a" * 51, "ä"])
def test_names_that_could_not_be_part_of_a_ref_are_refused(name: str):
    with pytest.raises(UsageError, match="cannot name an agent"):
        check_name(name)
