from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.kpi import Kpi, Sizes, sizes_of, streaks, summarise

DIFF = """diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,3 @@ def f():
 kept
--- a line that was SQL
+++ a line that counts
-@@ -1 +1 @@
+diff --git a/x b/x
\\ No newline at end of file
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+one
"""


def kpi(attempts=1, *, succeeded=True, plan_lines=10, additions=5, deletions=1):
    return Kpi(
        adw_id="0a1b2c3d",
        project_id="p",
        workflow_type="sdlc",
        attempts=attempts,
        repair_rounds=attempts - 1,
        review_rounds=1,
        sizes=Sizes(plan_lines=plan_lines, diff_files=2, diff_additions=additions, diff_deletions=deletions),
        succeeded=succeeded,
        recorded_at=datetime.now(UTC),
    )


def test_lines_are_counted_as_hunks_announce_them():
    found = sizes_of(DIFF, plan=b"# Plan\n\n1. Do it")
    assert found == Sizes(plan_lines=3, diff_files=3, diff_additions=3, diff_deletions=2)
    assert sizes_of("", plan=b"") == Sizes()


@given(st.lists(st.booleans(), max_size=30))
def test_streaks_are_the_runs_of_successes(successes):
    runs = [len(list(members)) for success, members in groupby(successes) if success]
    current, longest = streaks(successes)
    assert longest == max(runs, default=0)
    assert current == (runs[-1] if successes and successes[-1] else 0)


def test_only_successes_at_the_first_attempt_make_a_streak():
    ended = [kpi(), kpi(), kpi(2), kpi(succeeded=False), kpi()]
    found = summarise(ended)
    assert (found.workflows, found.succeeded, found.at_first_attempt) == (5, 4, 3)
    assert (found.current_streak, found.longest_streak) == (1, 2)
    assert (found.attempts.total, found.attempts.largest) == (6, 2)
    assert found.attempts.average == pytest.approx(1.2)
    assert found.diff_lines.median == 6


def test_nothing_can_be_summed_up():
    found = summarise([])
    assert (found.workflows, found.current_streak, found.plan_lines.average) == (0, 0, 0)
