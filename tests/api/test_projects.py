from __future__ import annotations

import pytest
from tests.api.problem import unusable
from tests.api.stage import Stage, git, make_repository


async def add(stage: Stage, **changes) -> dict:
    answer = await stage.http.post("/api/projects", json={"path": str(stage.repository), **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestAdding:
    async def test_a_repository_is_known_after_it_was_added_once_or_twice(self, stage: Stage):
        added = await add(stage)
        assert added == await add(stage)
        assert added["project"]["source"] == str(stage.repository)
        assert (added["project"]["forge"], added["project"]["baseBranch"]) == ("local", "main")
        assert added["base"] == {"name": "main", "sha": git(stage.repository, "rev-parse", "HEAD").strip()}
        assert (await stage.http.get("/api/projects")).json()["projects"] == [added["project"]]

    async def test_another_base_may_be_named(self, stage: Stage):
        git(stage.repository, "branch", "next")
        assert (await add(stage, base="next"))["base"]["name"] == "next"

    @pytest.mark.parametrize("path", ["relative", "./here", "~", "", "/nowhere", "/" + "x" * 300, "/a\0b", "/dev/null"])
    async def test_what_is_no_repository_is_refused(self, shared: Stage, path: str):
        answer = await shared.http.post("/api/projects", json={"path": path})
        status = 422 if path in {"", "/a\0b"} else 409
        assert (answer.status_code, answer.json()["code"]) == (status, "usage")

    async def test_a_loop_of_links_is_refused(self, stage: Stage):
        (stage.root / "loop").symlink_to("loop")
        for answer in (
            await stage.http.post("/api/projects", json={"path": str(stage.root / "loop")}),
            await stage.http.get("/api/projects/-", params={"path": str(stage.root / "loop")}),
        ):
            assert answer.status_code in {404, 409}


class TestFinding:
    async def test_a_project_is_found_by_id_name_and_path(self, stage: Stage):
        project = (await add(stage))["project"]
        (stage.root / "link").symlink_to(stage.repository)
        paths = [str(stage.repository), f"{stage.root}//./repository/", str(stage.root / "link")]
        for reference, params in [
            (project["id"], {}),
            ("repository", {}),
            *(("-", {"path": path}) for path in paths),
            ("-", {"path": project["id"]}),
        ]:
            found = await stage.http.get(f"/api/projects/{reference}", params=params)
            assert found.status_code == 200, found.text
            assert found.json()["id"] == project["id"]

    async def test_a_name_of_several_projects_is_refused(self, stage: Stage):
        await add(stage)
        twin = make_repository(stage.root / "elsewhere" / "repository")
        await stage.http.post("/api/projects", json={"path": str(twin)})
        answer = await stage.http.get("/api/projects/repository")
        assert (answer.status_code, answer.json()["code"]) == (409, "usage")

    @pytest.mark.parametrize(
        ("reference", "query"), [("-", ""), ("repository", "?path=/x"), ("-", "?path=/" + "x" * 300)]
    )
    async def test_a_reference_in_two_places_or_none_is_refused(self, shared: Stage, reference: str, query: str):
        await add(shared)
        answer = await shared.http.get(f"/api/projects/{reference}{query}")
        assert (answer.status_code, answer.json()["code"]) in {(404, "not_found"), (409, "usage")}


class TestCommands:
    async def test_what_is_found_in_a_checkout_is_told_with_its_origin(self, stage: Stage):
        project = (await add(stage))["project"]
        commands = (await stage.http.get(f"/api/projects/{project['id']}")).json()["commands"]
        assert commands.keys() == {"setup", "build", "lint", "test", "e2e", "run"}
        assert "pytest" in commands["test"]["line"]
        assert "pyproject.toml" in commands["test"]["origin"]
        assert commands["e2e"] is None

    async def test_settings_of_the_base_branch_win(self, stage: Stage):
        (stage.repository / "adw.toml").write_text('[commands]\ntest = "make check"\n')
        git(stage.repository, "add", ".")
        git(stage.repository, "commit", "--quiet", "-m", "Set")
        project = (await add(stage))["project"]
        commands = (await stage.http.get(f"/api/projects/{project['id']}")).json()["commands"]
        assert (commands["test"]["line"], commands["test"]["format"]) == ("make check", "exit_code")

    async def test_a_bare_repository_has_no_files_to_find_them_in(self, stage: Stage):
        bare = stage.root / "bare.git"
        git(stage.root, "clone", "--quiet", "--bare", str(stage.repository), str(bare))
        answer = await stage.http.post("/api/projects", json={"path": str(bare)})
        found = await stage.http.get(f"/api/projects/{answer.json()['project']['id']}")
        assert (found.status_code, found.json()["commands"]) == (200, None)

    async def test_a_repository_that_is_gone_is_still_told_of(self, stage: Stage):
        project = (await add(stage))["project"]
        stage.repository.rename(stage.root / "moved")
        found = await stage.http.get(f"/api/projects/{project['id']}")
        assert (found.status_code, found.json()["commands"]) == (200, None)


class TestIssues:
    async def test_an_issue_is_made_listed_discussed_and_closed(self, stage: Stage):
        url = f"/api/projects/{(await add(stage))['project']['id']}/issues"
        sent = {"title": "Fix the date", "body": "It is wrong", "labels": ["bug"], "actor": "pat"}
        made = await stage.http.post(url, json=sent)
        assert made.status_code == 201
        issue = made.json()
        assert (issue["number"], issue["author"], issue["labels"], issue["state"]) == (1, "pat", ["bug"], "open")
        comment = await stage.http.post(f"{url}/1/comments", json={"body": "Indeed", "actor": "kim"})
        assert (comment.status_code, comment.json()["author"]) == (201, "kim")
        shown = (await stage.http.get(f"{url}/1")).json()
        assert [item["body"] for item in shown["comments"]] == ["Indeed"]
        for _ in range(2):
            assert (await stage.http.post(f"{url}/1/close")).json()["state"] == "closed"
        assert (await stage.http.get(url)).json()["issues"] == []
        assert len((await stage.http.get(url, params={"state": "closed"})).json()["issues"]) == 1
        assert len((await stage.http.get(url, params={"state": "all", "limit": 1})).json()["issues"]) == 1

    async def test_a_repeated_key_makes_one_issue_and_one_comment(self, stage: Stage):
        url = f"/api/projects/{(await add(stage))['project']['id']}/issues"
        headers = {"Idempotency-Key": "5f0c--x!"}
        made = [(await stage.http.post(url, json={"title": "Once"}, headers=headers)).json() for _ in range(2)]
        assert made[0] == made[1]
        said = [(await stage.http.post(f"{url}/1/comments", json={"body": "b"}, headers=headers)).json() for _ in "ab"]
        assert said[0] == said[1]

    @pytest.mark.parametrize(
        ("path", "sent"),
        [
            ("", {}),
            ("", {"title": ""}),
            ("", {"title": "two\nlines"}),
            ("", {"title": "   "}),
            ("", {"title": "x" * 257}),
            ("", {"title": "t", "body": "a\0b"}),
            ("", {"title": "t", "labels": ["a\nb"]}),
            ("", {"title": "t", "labels": "bug"}),
            ("", {"title": "t", "state": "closed"}),
            ("/1/comments", {"body": ""}),
            ("/1/comments", {"body": "x" * 65_537}),
            ("/1/comments", {"text": "b"}),
            ("?state=asleep", None),
            ("?limit=0", None),
        ],
    )
    async def test_what_cannot_be_an_issue_is_refused(self, shared: Stage, path: str, sent: dict | None):
        url = f"/api/projects/{(await add(shared))['project']['id']}/issues"
        await shared.http.post(url, json={"title": "one"})
        answer = await shared.http.request("GET" if sent is None else "POST", f"{url}{path}", json=sent)
        unusable(answer)
