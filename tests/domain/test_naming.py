from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.naming import branch_name, plan_path, slugify, title_of

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_a_slug_is_safe_whatever_it_is_made_from(text):
    slug = slugify(text)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 48
    assert slugify(slug) == slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Fix the Totals!", "fix-the-totals"),
        ("Überträge prüfen", "ubertrage-prufen"),
        ("日本語", "work"),
        ("../../etc/passwd", "etc-passwd"),
        ("$(rm -rf /)", "rm-rf"),
        ("a.lock", "a-lock"),
        ("--force", "force"),
        ("x" * 60, "x" * 48),
        ("word " * 20, "-".join(["word"] * 9)),
        ("ok " + "x" * 60, "ok"),
    ],
)
def test_slugs_read_like_what_they_are_made_from(text, slug):
    assert slugify(text) == slug
    assert slugify("", fallback="other") == "other"


@given(ANYTHING, st.none() | st.integers(1, 10**6))
def test_branches_and_plans_carry_the_issue_and_the_id(text, number):
    branch = branch_name(issue_class="bug", issue_number=number, adw_id="0a1b2c3d", slug=text)
    path = plan_path(issue_number=number, adw_id="0a1b2c3d", slug=text)
    assert branch.startswith(f"bug-issue-{number or 0}-adw-0a1b2c3d-")
    assert re.fullmatch(rf"specs/issue-{number or 0}-adw-0a1b2c3d-[a-z0-9-]+\.md", path)


def test_git_takes_such_a_branch():
    branch = branch_name(issue_class="feature", issue_number=7, adw_id="0a1b2c3d", slug="a..b~c^d:e?*[\\ @{x")
    subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=True)


@given(ANYTHING)
def test_a_title_is_one_line_of_at_most_72_characters_without_controls(text):
    title = title_of(text)
    assert len(title) <= 72
    assert title == title.strip()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", title)
    assert title_of(title) == title


def test_titles_keep_their_words():
    assert title_of(" Fix\tthe\n totals ") == "Fix the totals"
    assert title_of("Fix \x1b[2J\u202ethe totals") == "Fix [2J the totals"
    assert title_of("ab " * 40) == "ab " * 23 + "ab…"
