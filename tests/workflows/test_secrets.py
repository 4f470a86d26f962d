from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.workflows.secrets import find_secrets

BODY = "Ab3" * 20
SECRETS = {
    "a private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "an Anthropic key": "sk-ant-" + "api03-" + BODY[:30],
    "a GitHub token": "ghp_" + BODY[:36],
    "an AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a Slack token": "xoxb-" + BODY[:24],
    "a Google API key": "AIza" + BODY[:35],
    "a Stripe key": "sk_live_" + BODY[:24],
}


def diff(*lines: str, path: str = "src/app.py") -> str:
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,9 @@\n"
    return head + "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", SECRETS)
def test_each_kind_of_credential_is_found_in_added_lines_only(name):
    secret = SECRETS[name]
    assert find_secrets(diff(f"+KEY = '{secret}'")) == [f"{name} in src/app.py"]
    assert find_secrets(diff(f"-KEY = '{secret}'", f" KEY = '{secret}'")) == []


@pytest.mark.parametrize("separator", ["\u2028", "\x0b", "\x0c", "\r", "\x1c", "\x85"])
def test_no_odd_line_end_hides_what_follows(separator):
    assert find_secrets(diff(f"+x{separator}{SECRETS['a GitHub token']}")) == ["a GitHub token in src/app.py"]


def test_an_added_line_that_looks_like_a_header_is_content():
    token = SECRETS["a GitHub token"]
    assert find_secrets(diff(f"++++ b/{token}", "++ x")) == ["a GitHub token in src/app.py"]
    assert find_secrets(diff(f"+++ {token}")) == ["a GitHub token in src/app.py"]
    assert find_secrets(diff("+x") + diff(f"+{token}", path="b.py")) == ["a GitHub token in b.py"]


def test_each_find_is_told_once_and_a_file_name_that_is_a_secret_not_at_all():
    token = SECRETS["a GitHub token"]
    assert find_secrets(diff(f"+{token}", f"+{token}")) == ["a GitHub token in src/app.py"]
    assert find_secrets(diff(f"+{token}", path=token)) == ["a GitHub token in a file name"]


@pytest.mark.parametrize("text", ["", "+", "no diff at all", "+++ b/x", "Binary files a/x and b/x differ"])
def test_what_holds_nothing_is_clean(text):
    assert find_secrets(text) == []


ALPHABET = st.characters(codec="ascii", categories=["L", "N"])


LINE = st.text(st.characters(exclude_characters="\n"), max_size=30)


@given(st.text(ALPHABET, min_size=36, max_size=60), LINE, LINE)
def test_the_value_is_never_repeated(body, before, after):
    token = f"ghp_{body}"
    found = find_secrets(diff(f"+{before} {token} {after}", path=f"dir/{token}"))
    assert found
    assert all(body not in each for each in found)


def test_real_diffs_are_understood(tmp_path):
    def git(*args):
        done = subprocess.run(["git", "-C", tmp_path, *args], check=True, capture_output=True, text=True)
        return done.stdout

    git("init", "-q")
    (tmp_path / "ü b.txt").write_text("a\n")
    git("add", "-A")
    (tmp_path / "ü b.txt").write_text(f"a\n{SECRETS['a Stripe key']}\n")
    assert find_secrets(git("-c", "core.quotePath=false", "diff")) == ["a Stripe key in ü b.txt"]
