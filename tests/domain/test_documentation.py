from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.documentation import (
    MIN_CHARS,
    Changelog,
    Fault,
    Page,
    code_spans,
    find_changelog,
    judge,
    named_files,
    page_path,
    without_file,
)

WORDS = st.from_regex(r"[a-z][a-z_]{1,9}", fullmatch=True)
PATHS = st.builds(
    lambda folders, stem, ending: "/".join([*folders, f"{stem}.{ending}"]),
    st.lists(WORDS, min_size=1, max_size=3),
    WORDS,
    st.sampled_from(["py", "md", "ts", "toml", "go", "json", "h"]),
)
TEXTS = st.text(alphabet=st.sampled_from("ab /.`~\n*:-(#"), max_size=80)
FILES = ("src/shop/cart.py", "src/shop/__init__.py", "Makefile", "README.md", "web/[id].tsx", "app_docs/feature-x.md")
DOUBTFUL = (  # noqa: SIM905 - words are read more easily
    "and/or TCP/IP n/a 1/2.5 a/b.c x.y/z.h application/json response.json node.js self.conf os.path asyncio.run v1.2 "
    "e.g. origin/main src/ .env adw.workflows.py.x python/3.11 .py ... dist/app.log"
).split()


def page(text="", *, changed=("src/shop/cart.py",), **more):
    long = f"{text}\n\n" + "What it does now. " * 20
    return Page(path="app_docs/feature-x.md", text=long, files=FILES, changed=changed, **more)


def faults(found):
    return [problem.fault for problem in found]


@given(PATHS, st.integers(1, 4), TEXTS)
def test_a_path_in_backticks_is_found_whatever_stands_around_it(path, ticks, around):
    mark = "`" * ticks
    text = f"{around.replace('`', '').replace('~', '')}\n\nSee {mark}{path}{mark} for it.\n\n{around}"
    assert path in named_files(text, files=[path])[0]
    assert path in named_files(text, files=[])[1]


@given(PATHS, st.sampled_from(["```", "~~~", "````"]), st.sampled_from(["", "sh", "python title=x"]))
def test_blocks_of_code_are_no_claims(path, fence, language):
    text = f"Run this:\n\n{fence}{language}\n`{path}`\n{fence}\n\nand `{path}x/y` it is."
    assert named_files(text, files=[path]) == ([], [])


@given(PATHS)
def test_a_block_that_never_ends_hides_the_rest(path):
    assert named_files(f"```\n`{path}`", files=[path]) == ([], [])


@given(TEXTS)
def test_any_text_can_be_read(text):
    known, unknown = named_files(text, files=FILES)
    assert set(known) <= set(FILES)
    assert not set(known) & set(unknown)
    assert all("`" * 3 not in span or "\n" not in span for span in code_spans(text))


@given(WORDS, WORDS)
def test_words_with_a_slash_between_them_are_no_files(left, right):
    for span in (f"{left}/{right}", f"{left} / {right}", f"{left}/{right}.{left}s", f"self.{left}/{right}.value"):
        assert named_files(f"`{span}`", files=[]) == ([], []), span


@given(PATHS)
def test_what_only_contains_a_path_is_no_claim(path):
    around = (
        "cat {}", "python -m x {}", "https://x.org/{}", "x.org/{}", "localhost/{}", "/etc/{}", "~/{}", "$HOME/{}",
        "**/{}", "--config={}", "-c{}", "<dir>/{}", "open({})", "a={}", "{},", "@scope/{}", "s3://{}", "git@host:{}",
        "src/*/{}", "../../../{}", "x\\{}", "[ab]/{}", "{{a,b}}/{}",
    )  # fmt: skip
    for each in around:
        assert named_files(f"`{each.format(path)}`", files=[]) == ([], []), each


@pytest.mark.parametrize("span", [*DOUBTFUL, "GET /api/x.json", "library/python:3.11", "", "*.py", "`", "say()"])
def test_what_looks_a_little_like_a_file_is_no_claim(span):
    assert named_files(f"`` {span} ``", files=FILES) == ([], [])


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("src/shop/cart.py", "src/shop/cart.py"),
        ("./src/shop/cart.py", "src/shop/cart.py"),
        ("../src/shop/cart.py", "src/shop/cart.py"),
        ("src/shop/cart.py:12", "src/shop/cart.py"),
        ("src/shop/cart.py:12-19", "src/shop/cart.py"),
        ("src/shop/cart.py#L3", "src/shop/cart.py"),
        ("src/shop/cart.py::Cart.total", "src/shop/cart.py"),
        ("cart.py", "src/shop/cart.py"),
        ("Makefile", "Makefile"),
        ("web/[id].tsx", "web/[id].tsx"),
    ],
)
def test_a_file_is_known_by_the_ways_people_write_it(span, found):
    assert named_files(f"It is in `{span}`.", files=FILES) == ([found], [])


@pytest.mark.parametrize(
    "span", ["src/shop/card.py", "card.py", "docs/Makefile", "../x.md", "src/main.c", "a/b/c.ts", ".github/ci.yml:3"]
)
def test_a_file_that_is_not_there_is_told(span):
    known, unknown = named_files(f"It is in `{span}`.", files=FILES)
    assert known == []
    assert len(unknown) == 1


def test_an_odd_backtick_spoils_only_its_own_paragraph():
    assert code_spans("a ` b\n\n`c` and ``d ` e``\nf `g\nh`") == ["c", "d ` e", "g h"]


def test_a_page_that_names_what_changed_is_accepted():
    assert judge(page("The total is in `src/shop/cart.py`.")) == []


def test_each_fault_is_told_in_words():
    missing = Page(path="app_docs/feature-x.md", text=None, files=FILES, changed=(), others=["a.py"] * 9)
    strayed, absent = judge(missing)
    assert (strayed.fault, absent.fault) == (Fault.STRAYED, Fault.MISSING)
    assert strayed.text.endswith("and 1 more")
    short = Page(path="p.md", text="x" * (MIN_CHARS - 1), files=FILES, changed=())
    assert faults(judge(short)) == [Fault.TRIVIAL]
    wrong, unrelated = judge(page("See `src/shop/card.py`."))
    assert (wrong.fault, unrelated.fault) == (Fault.UNKNOWN_PATHS, Fault.UNRELATED)
    assert "`src/shop/card.py`" in wrong.text
    assert "`src/shop/cart.py`" in unrelated.text


def test_a_change_that_only_deletes_needs_no_file_named():
    assert judge(page(changed=("gone.py",))) == []


class TestChangelog:
    @pytest.mark.parametrize(
        ("files", "found"),
        [
            (["README.md", "CHANGELOG.md"], "CHANGELOG.md"),
            (["HISTORY.rst", "CHANGES"], "CHANGES"),
            (["news.txt", "docs/CHANGELOG.md"], "news.txt"),
            (["release-notes.md", "changelogs.md", "CHANGES.py"], "release-notes.md"),
            (["docs/CHANGELOG.md"], None),
        ],
    )
    def test_it_is_found_in_the_top_folder_only(self, files, found):
        assert find_changelog(files) == found

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("# Log\n", "# Log\n\n- Totals are right\n", []),
            ("# Log\n- nothing yet\n", "# Log\n- Totals are right\n", []),
            ("# Log\n- a\n", "# Log\n- a\n- a\n", []),
            ("# Log\n", "# Log\n\n", [Fault.CHANGELOG]),
            ("# Log\n", "", [Fault.CHANGELOG]),
            ("# Log\n- a\n- b\n- c\n", "- Totals are right\n", [Fault.CHANGELOG]),
        ],
    )
    def test_it_gains_a_line_and_keeps_its_own(self, before, after, expected):
        changelog = Changelog(path="CHANGELOG.md", before=before, after=after)
        assert faults(judge(page("In `cart.py`.", changelog=changelog))) == expected


def test_the_page_has_a_name_of_its_own():
    assert page_path(adw_id="0a1b2c3d", slug="Fix the/total") == "app_docs/feature-0a1b2c3d-fix-the-total.md"


def test_one_file_is_taken_out_of_a_diff():
    one = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    other = "diff --git a/specs/p.md b/specs/p.md\nnew file mode 100644\n@@ -0,0 +1 @@\n+diff --git is said here\n"
    assert without_file(other + one, "specs/p.md") == one
    assert without_file(one + other, "q.md") == one + other
