from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.tool_rules import MAIN_ARGUMENTS, ToolRule
from adw.kit.errors import UsageError

WORDS = st.text("abcxyz-./*?[]() ", min_size=1, max_size=12)
PLAIN = st.text("abcxyz-./", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("rule", "subject", "asks"),
    [
        ("Bash", "anything", True),
        ("Bash(npm publish *)", "npm publish --tag next", True),
        ("Bash(npm publish *)", "npm publish", True),
        ("Bash(npm publish *)", "npm publisher", False),
        ("Bash(npm publish*)", "npm publisher", True),
        ("Bash(npm publish *)", "cd pkg && npm  publish", True),
        ("Bash(npm publish *)", "true; TOKEN=a B=c npm publish x | tee log", True),
        ("Bash(npm publish *)", "if true; then sudo npm publish x; fi", True),
        ("Bash(npm publish *)", "echo $(npm publish)", True),
        ("Bash(npm publish *)", "npm test\nnpm publish", True),
        ("Bash(npm publish *)", "npm test", False),
        ("Bash(*--force*)", "rm a --force", True),
        ("Write(migrations/*)", "migrations/2.sql", True),
        ("Write(migrations/*)", "migrations/new/2.sql", True),
        ("Write(migrations/*)", "src/migrations/2.sql", False),
        ("Write(**/2.sql)", "2.sql", True),
        ("Write(**/2.sql)", "a/b/2.sql", True),
        ("Write(a.sql)", "axsql", False),
        ("WebFetch(https://example.org/*)", "https://example.org/a/b", True),
    ],
)
def test_a_rule_asks_of_what_its_glob_says(rule: str, subject: str, asks: bool):
    parsed = ToolRule.parse(rule)
    assert parsed.matches(parsed.tool, subject) is asks


@pytest.mark.parametrize("text", ["", "bash", "Bash()", "Bash(", "Bash(a", "Bash)", "(a)", "Bash x", "mcp__adw__ask"])
def test_what_is_no_rule_is_refused(text: str):
    with pytest.raises(UsageError):
        ToolRule.parse(text)


@given(tool=st.sampled_from(sorted(MAIN_ARGUMENTS)), other=st.sampled_from(sorted(MAIN_ARGUMENTS)), subject=WORDS)
def test_a_tool_without_a_glob_is_asked_about_whatever_it_does_and_no_other_tool_is(tool, other, subject):
    assert ToolRule.parse(tool).matches(other, subject) is (tool == other)


@given(tool=st.sampled_from(sorted(MAIN_ARGUMENTS)), glob=PLAIN)
def test_without_wildcards_a_glob_is_itself(tool: str, glob: str):
    rule = ToolRule.parse(f"{tool}({glob})")
    assert rule.matches(tool, glob)
    assert not rule.matches(tool, f"{glob}z")


@given(before=PLAIN, middle=WORDS, after=PLAIN, tool=st.sampled_from(["Bash", "Write"]))
def test_a_star_stands_for_anything(before: str, middle: str, after: str, tool: str):
    rule = ToolRule.parse(f"{tool}({before}*{after})")
    assert rule.matches(tool, f"{before}{middle}{after}")
    assert rule.matches(tool, before + after)


@given(first=WORDS, command=st.text("abc", min_size=1), link=st.sampled_from([" && ", ";", "|", "\n", " || ", "& "]))
def test_every_command_of_a_line_is_looked_at(first: str, command: str, link: str):
    assert ToolRule.parse(f"Bash({command} *)").matches("Bash", f"{first}{link}{command} x")
