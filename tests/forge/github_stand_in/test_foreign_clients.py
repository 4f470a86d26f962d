"""Clients that other people wrote, and that know nothing of the stand-in, take work from an issue to its merge."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.forge.github_stand_in.conftest import REPO, Scene
from tests.forge.github_stand_in.test_git import address, git
from tests.forge.github_stand_in.tour import PRIVATE, PUBLIC

OWNER, NAME = REPO.split("/")
AT_ONCE: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None}


def push(scene: Scene, folder: Path) -> str:
    """What no client of the API does: a commit on a branch, by git."""
    git("clone", "--quiet", address(scene, "bob"), folder)
    (folder / "new.py").write_text("new = 1\n")
    git("-C", folder, "checkout", "--quiet", "-b", "fix")
    git("-C", folder, "add", ".")
    git("-C", folder, "commit", "--quiet", "-m", "Add something")
    assert git("-C", folder, "push", "--quiet", "origin", "fix").returncode == 0
    return git("-C", folder, "rev-parse", "HEAD").stdout.strip()


def test_pygithub(scene: Scene, tmp_path: Path):
    from github import Auth, Github, GithubException, GithubIntegration

    scene.stand.add_app("linter", owner=OWNER, public_key=PUBLIC)
    scene.stand.install("linter", owner=OWNER)
    scene.stand.protect(REPO, "main", checks=["lint"], approvals=1)
    app_id = scene.stand.world.apps["linter"].id
    url = scene.stand.api_url
    with Github(base_url=url, auth=Auth.Token(scene.tokens["bob"]), **AT_ONCE) as bob:
        repo = bob.get_repo(REPO)
        issue = repo.create_issue("Wrong totals", body="b", labels=["bug"])
        assert [label.name for label in repo.get_issue(issue.number).labels] == ["bug"]
        sha = push(scene, tmp_path / "c")
        pull = repo.create_pull(title="Right", body=f"Fixes #{issue.number}", head="fix", base="main")
        assert (pull.mergeable_state, pull.head.sha) == ("blocked", sha)
        with pytest.raises(GithubException) as refused:
            pull.merge(sha=sha)
        assert refused.value.status == 405
        pull.create_review_comment("Why?", repo.get_commit(sha), "new.py", line=1)
        assert [comment.body for comment in pull.get_review_comments()] == ["Why?"]
    with Github(base_url=url, auth=Auth.Token(scene.tokens["ada"]), **AT_ONCE) as ada:
        ada.get_repo(REPO).get_pull(pull.number).create_review(body="Good", event="APPROVE")
    with GithubIntegration(auth=Auth.AppAuth(app_id, PRIVATE), base_url=url, **AT_ONCE) as integration:
        installation = integration.get_repo_installation(OWNER, NAME)
        with integration.get_github_for_installation(installation.id) as linter:
            run = linter.get_repo(REPO).create_check_run("lint", sha, status="completed", conclusion="success")
            assert (run.status, run.app.slug) == ("completed", "linter")
    with Github(base_url=url, auth=Auth.Token(scene.tokens["bob"]), **AT_ONCE) as bob:
        pull = bob.get_repo(REPO).get_pull(pull.number)
        assert [review.state for review in pull.get_reviews()] == ["COMMENTED", "APPROVED"]
        assert pull.merge(sha=sha, merge_method="squash").merged
        assert bob.get_repo(REPO).get_issue(issue.number).state == "closed"


def test_githubkit(scene: Scene, tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from githubkit import AppAuthStrategy, GitHub
        from githubkit.exception import RequestFailed

    scene.stand.add_app("linter", owner=OWNER, public_key=PUBLIC)
    installation = scene.stand.install("linter", owner=OWNER).id
    scene.stand.protect(REPO, "main", checks=["lint"], approvals=1)
    app_id = scene.stand.world.apps["linter"].id
    url = scene.stand.api_url
    clients = [GitHub(scene.tokens[login], base_url=url, http_cache=False) for login in ("bob", "ada")]
    bob, ada = (client.rest for client in clients)
    app = GitHub(AppAuthStrategy(app_id, PRIVATE), base_url=url, http_cache=False)
    where = (OWNER, NAME)
    issue = bob.issues.create(*where, title="Wrong totals", labels=["bug"]).json()
    sha = push(scene, tmp_path / "c")
    body = f"Fixes #{issue['number']}"
    pull = bob.pulls.create(*where, title="Right", body=body, head="fix", base="main").json()["number"]
    with pytest.raises(RequestFailed) as refused:
        bob.pulls.merge(*where, pull, sha=sha)
    assert refused.value.response.status_code == 405
    ada.pulls.create_review(*where, pull, event="APPROVE", body="Good")
    installed = app.with_auth(app.auth.as_installation(installation))
    linter = installed.rest
    run = linter.checks.create(*where, data={"name": "lint", "head_sha": sha, "status": "in_progress"}).json()
    linter.checks.update(*where, run["id"], data={"status": "completed", "conclusion": "success"})
    runs = bob.checks.list_for_ref(*where, sha).json()["check_runs"]
    assert [(one["name"], one["conclusion"]) for one in runs] == [("lint", "success")]
    assert bob.pulls.merge(*where, pull, sha=sha, merge_method="squash").json()["merged"]
    assert bob.issues.get(*where, issue["number"]).json()["state"] == "closed"


@pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed")
def test_gh(scene: Scene, tmp_path: Path):
    with _socket(scene.stand.api_url, tmp_path / "gh.sock") as place:
        (tmp_path / "gh").mkdir()
        (tmp_path / "gh/config.yml").write_text(f"version: 1\nhttp_unix_socket: {place}\n")

        def gh(*args: str, login: str = "bob") -> Any:
            token = scene.tokens[login]
            own = {"GH_TOKEN": token, "GH_ENTERPRISE_TOKEN": token, "GH_CONFIG_DIR": str(tmp_path / "gh")}
            env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **own}
            done = subprocess.run(["gh", "api", *args], capture_output=True, text=True, env=env, check=False)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        issue = gh(f"repos/{REPO}/issues", "-f", "title=Wrong totals", "-f", "labels[]=bug")["number"]
        sha = push(scene, tmp_path / "c")
        content = ("-f", "title=Right", "-f", "head=fix", "-f", "base=main", "-f", f"body=Fixes #{issue}")
        pull = gh(f"repos/{REPO}/pulls", *content)["number"]
        gh(f"repos/{REPO}/pulls/{pull}/reviews", "-f", "event=APPROVE", login="ada")
        gh(f"repos/{REPO}/statuses/{sha}", "-f", "state=success", "-f", "context=ci")
        merged = gh("-X", "PUT", f"repos/{REPO}/pulls/{pull}/merge", "-f", f"sha={sha}", "-f", "merge_method=squash")
        assert merged["merged"]
        assert gh(f"repos/{REPO}/issues/{issue}")["state"] == "closed"


@contextmanager
def _socket(url: str, place: Path) -> Iterator[Path]:
    """A socket that leads to the stand-in: it is the one way by which gh speaks without encryption."""

    class Relay(http.server.BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "socket"

        def log_message(self, *_: object) -> None: ...

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            names = {"authorization", "content-type", "accept"}
            headers = {name: text for name, text in self.headers.items() if name.lower() in names}
            with httpx.Client(trust_env=False, verify=False, timeout=30) as http_client:
                path = self.path.removeprefix("/api/v3")
                answer = http_client.request(self.command, f"{url}{path}", content=body, headers=headers)
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers.get("content-type", "application/json"))
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - the names that are called

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            return super().get_request()[0], ("socket", 0)

    with Server(str(place), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield place
        server.shutdown()
        thread.join()
