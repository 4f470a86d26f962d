from __future__ import annotations

from tests.api.stage import WORKFLOWS, Stage, git

from adw.api.views.changes import changed_files
from adw.kit.paths import DataPaths
from adw.store.projects import get_project

HOSTILE = """\
diff --git a/a b.txt b/a b.txt
index 1..2 100644
--- a/a b.txt\t
+++ b/a b.txt\t
@@ -1,3 +1,3 @@
 diff --git a/fake b/fake
--- a/fake
-+++ b/fake
+new file mode 100644
+@@ -1,9 +1,9 @@
\\ No newline at end of file
diff --git a/old.py b/new.py
similarity index 90%
rename from old.py
rename to new.py
index 1..2 100644
--- a/old.py
+++ b/new.py
@@ -1 +1,2 @@
-x
+y
+z
diff --git a/logo.png b/logo.png
new file mode 100644
index 000..111
Binary files /dev/null and b/logo.png differ
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index 1..0
--- a/gone.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-a
-b
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/empty b/empty
new file mode 100644
index 000..e69
"""


def test_files_are_read_from_a_diff_whatever_their_lines_pretend_to_be():
    told = [(f.path, f.status, f.additions, f.deletions, f.is_binary) for f in changed_files(HOSTILE)]
    assert told == [
        ("a b.txt", "modified", 2, 2, False),
        ("new.py", "renamed", 2, 1, False),
        ("logo.png", "added", 0, 0, True),
        ("gone.txt", "deleted", 0, 2, False),
        ("run.sh", "modified", 0, 0, False),
        ("empty", "added", 0, 0, False),
    ]


def test_no_diff_touches_no_file():
    assert changed_files("") == ()


async def test_without_commits_there_is_no_diff(stage: Stage):
    workflow = await stage.work()
    for head in (None, workflow.base_sha):
        await stage.change(workflow.adw_id, head_sha=head)
        answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
        assert (answer.status_code, answer.text) == (200, "")


async def test_with_a_pull_request_it_is_the_pull_requests(stage: Stage):
    workflow = await stage.work()
    pull = await stage.pull(workflow, files={"date.txt": "täglich\n"})
    answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
    assert "+täglich" in answer.text
    assert answer.headers["content-type"] == "text/x-diff; charset=utf-8"
    stat = (await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff/stat")).json()
    assert (stat["base"], stat["head"], stat["prNumber"]) == (stage.base_sha, pull.head_sha, pull.number)
    assert stat["files"] == [{"path": "date.txt", "status": "added", "additions": 1, "deletions": 0, "isBinary": False}]


async def test_without_a_pull_request_it_comes_from_the_remote(stage: Stage):
    workflow = await stage.work()
    await stage.pull(workflow)
    await stage.change(workflow.adw_id, pr_number=None, pr_state="none")
    answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
    assert "+today" in answer.text


async def test_it_stays_when_branch_base_and_worktree_are_gone(stage: Stage):
    workflow = await stage.work()
    pull = await stage.pull(workflow)
    async with stage.database.read() as connection:
        project = await get_project(connection, workflow.project_id)
    bare = DataPaths(stage.root).forge_remote(project.id)
    git(bare, "update-ref", "refs/heads/other", stage.base_sha)
    git(bare, "symbolic-ref", "HEAD", "refs/heads/other")
    for branch in ("main", pull.head_branch):
        git(bare, "update-ref", "-d", f"refs/heads/{branch}")
    answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
    assert "+today" in answer.text


async def test_a_commit_that_never_reached_the_remote_is_named(stage: Stage):
    workflow = await stage.work()
    await stage.change(workflow.adw_id, head_sha="d" * 40)
    before = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
    assert (before.status_code, before.json()["code"]) == (404, "not_found")
    async with stage.database.read() as connection:
        project = await get_project(connection, workflow.project_id)
    await stage.services.access.prepare_remote(project, base="main", sha=stage.base_sha)
    answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
    assert answer.status_code == 404
    assert "dddddddddddd" in answer.json()["detail"]
