"""Everything the stand-in answers, asked once with success, in an order that makes sense."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.forge.github_stand_in.conftest import REPO, Scene, new_client

R = f"/repos/{REPO}"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


def app_token(issuer: str | int, *, lives_s: int = 300, key: str = PRIVATE) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now - 30, "exp": now + lives_s, "iss": str(issuer)}, key, algorithm="RS256")


class Tour:
    """Each part leaves behind what the next ones need."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.app = self._app()

    def go(self) -> None:
        self.accounts()
        self.issues()
        self.labels()
        self.pull_requests()
        self.reviews()
        self.threads()
        self.checks()
        self.actions()
        self.branches()
        self.apps()
        self.hooks()
        self.merge()

    def accounts(self) -> None:
        bob = self.scene.bob
        for path in ("/user", "/users/eve", "/rate_limit", R, f"{R}/collaborators"):
            self.get(bob, path)
        self.get(bob, f"{R}/collaborators/bob", status=204)
        assert self.get(bob, f"{R}/collaborators/eve/permission")["permission"] == "read"

    def issues(self) -> None:
        bob = self.scene.bob
        number = self.send(bob, "POST", f"{R}/issues", {"title": "Wrong", "body": "b", "labels": ["bug"]}, 201)[
            "number"
        ]
        one = f"{R}/issues/{number}"
        self.send(bob, "PATCH", one, {"title": "Wrong totals", "assignees": ["eve"], "labels": ["bug", "urgent"]})
        self.get(bob, one)
        self.get(
            bob, f"{R}/issues?state=all&labels=bug&sort=updated&direction=asc&per_page=5&since=2020-01-01T00:00:00Z"
        )
        comment = self.send(bob, "POST", f"{one}/comments", {"body": "Indeed"}, 201)["id"]
        self.send(bob, "PATCH", f"{R}/issues/comments/{comment}", {"body": "Indeed so"})
        for path in (f"{R}/issues/comments/{comment}", f"{one}/comments", f"{R}/issues/comments?sort=updated"):
            self.get(bob, path)
        self.send(bob, "DELETE", f"{R}/issues/comments/{comment}", None, 204)
        self.send(bob, "PUT", f"{one}/lock", {}, 204)
        self.send(bob, "DELETE", f"{one}/lock", None, 204)
        self.send(bob, "PATCH", one, {"state": "closed", "state_reason": "not_planned"})
        self.send(bob, "PATCH", one, {"state": "open"})
        for path in (f"{R}/issues/events?per_page=100", f"{one}/events"):
            self.get(bob, path)
        self.issue = number

    def labels(self) -> None:
        bob, own = self.scene.bob, f"{R}/issues/{self.issue}/labels"
        self.send(bob, "POST", f"{R}/labels", {"name": "kind/chore", "color": "00ff00", "description": "d"}, 201)
        self.get(bob, f"{R}/labels")
        self.get(bob, f"{R}/labels/kind%2Fchore")
        self.send(bob, "PATCH", f"{R}/labels/kind%2Fchore", {"new_name": "chore", "color": "ff0000"})
        self.send(bob, "POST", own, {"labels": ["chore"]})
        self.get(bob, own)
        self.send(bob, "PUT", own, {"labels": ["bug", "chore"]})
        self.send(bob, "DELETE", f"{own}/chore", None)
        self.send(bob, "DELETE", own, None, 204)
        self.send(bob, "DELETE", f"{R}/labels/chore", None, 204)

    def pull_requests(self) -> None:
        bob = self.scene.bob
        body = f"Closes #{self.issue}"
        self.number = self.scene.pull(body=body, draft=False)
        self.pull = f"{R}/pulls/{self.number}"
        shown = self.get(bob, self.pull)
        self.sha = shown["head"]["sha"]
        self.send(bob, "PATCH", self.pull, {"title": "Count to six", "body": body})
        self.get(bob, f"{R}/pulls?head=ada:fix&base=main&state=all&sort=updated&direction=desc")
        self.get(bob, f"{R}/issues/{self.number}")
        for part in ("files", "commits", "requested_reviewers"):
            self.get(bob, f"{self.pull}/{part}")
        self.send(bob, "POST", f"{self.pull}/requested_reviewers", {"reviewers": ["eve", "ada"]}, 201)
        self.send(bob, "DELETE", f"{self.pull}/requested_reviewers", {"reviewers": ["ada"]})

    def reviews(self) -> None:
        ada, own = self.scene.ada, f"{self.pull}/reviews"
        remark = {"path": "totals.py", "line": 5, "side": "RIGHT", "body": "Why six?"}
        asked = {"event": "REQUEST_CHANGES", "body": "No", "comments": [remark], "commit_id": self.sha}
        review = self.send(ada, "POST", own, asked)["id"]
        for path in (own, f"{own}/{review}", f"{own}/{review}/comments"):
            self.get(ada, path)
        self.send(ada, "PUT", f"{own}/{review}", {"body": "Not yet"})
        self.send(ada, "PUT", f"{own}/{review}/dismissals", {"message": "Well"})
        pending = self.send(ada, "POST", own, {"body": "Hm"})["id"]
        self.send(ada, "DELETE", f"{own}/{pending}", None)
        pending = self.send(ada, "POST", own, {"body": "Good"})["id"]
        self.send(ada, "POST", f"{own}/{pending}/events", {"event": "APPROVE", "body": "Good"})

    def threads(self) -> None:
        bob, own = self.scene.bob, f"{self.pull}/comments"
        remark = {"path": "totals.py", "line": 5, "side": "RIGHT", "body": "Here", "commit_id": self.sha}
        first = self.send(bob, "POST", own, remark, 201)["id"]
        answer = self.send(bob, "POST", f"{own}/{first}/replies", {"body": "There"}, 201)["id"]
        self.send(bob, "PATCH", f"{R}/pulls/comments/{answer}", {"body": "Over there"})
        for path in (own, f"{R}/pulls/comments?direction=desc", f"{R}/pulls/comments/{answer}"):
            self.get(bob, path)
        self.send(bob, "DELETE", f"{R}/pulls/comments/{answer}", None, 204)

    def checks(self) -> None:
        bob, app = self.scene.bob, self.installed
        new = {"name": "lint", "head_sha": self.sha, "status": "in_progress", "external_id": "7"}
        run = self.send(app, "POST", f"{R}/check-runs", new, 201)
        ended = {
            "status": "completed",
            "conclusion": "failure",
            "completed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "output": {"title": "Two findings", "summary": "Both in totals.py"},
        }
        self.send(app, "PATCH", f"{R}/check-runs/{run['id']}", ended)
        suite = run["check_suite"]["id"]
        for path in (
            f"{R}/check-runs/{run['id']}",
            f"{R}/check-runs/{run['id']}/annotations",
            f"{R}/commits/{self.sha}/check-runs?filter=latest&per_page=100",
            f"{R}/commits/{self.sha}/check-suites",
            f"{R}/check-suites/{suite}",
            f"{R}/check-suites/{suite}/check-runs",
        ):
            self.get(bob, path)
        self.send(app, "POST", f"{R}/check-runs/{run['id']}/rerequest", {}, 201)
        self.send(bob, "POST", f"{R}/statuses/{self.sha}", {"state": "pending", "context": "deploy"}, 201)
        for path in (f"{R}/commits/{self.sha}/status", f"{R}/commits/fix/statuses"):
            self.get(bob, path)

    def actions(self) -> None:
        bob = self.scene.bob
        job = self.scene.stand.set_check(REPO, "fix", "tests", "failure", log="1 failed")
        own = f"{R}/actions/jobs/{job.id}"
        self.get(bob, own)
        self.get(bob, f"{own}/logs", status=302)
        self.get(bob, f"{R}/actions/runs?head_sha={self.sha}")
        self.get(bob, f"{R}/actions/runs/{job.suite}")
        self.get(bob, f"{R}/actions/runs/{job.suite}/jobs?filter=latest")
        self.send(bob, "POST", f"{own}/rerun", {}, 201)
        self.scene.stand.set_check(REPO, "fix", "tests", "failure", log="again")
        self.send(bob, "POST", f"{R}/actions/runs/{job.suite}/rerun-failed-jobs", {}, 201)
        self.scene.stand.set_check(REPO, "fix", "tests", "success")
        self.send(bob, "POST", f"{R}/actions/runs/{job.suite}/rerun", {}, 201)

    def branches(self) -> None:
        ada, bob = self.scene.ada, self.scene.bob
        demands: dict[str, Any] = {
            "required_status_checks": {"strict": False, "contexts": ["lint"]},
            "enforce_admins": True,
            "required_pull_request_reviews": {"required_approving_review_count": 1},
            "restrictions": None,
        }
        self.send(ada, "PUT", f"{R}/branches/main/protection", demands)
        self.get(ada, f"{R}/branches/main/protection")
        for path in ("branches", "branches/main", "rules/branches/main", "git/ref/heads/main", "compare/main...fix"):
            self.get(bob, f"{R}/{path}")
        self.send(ada, "DELETE", f"{R}/branches/main/protection", None, 204)
        self.scene.stand.protect(REPO, "main", checks=["deploy"], approvals=0, by_ruleset=True)
        assert len(self.get(bob, f"{R}/rules/branches/main")) == 4
        main = self.get(bob, f"{R}/git/ref/heads/main")["object"]["sha"]
        for path in (
            "commits?sha=fix",
            "commits/fix",
            "commits/main",
            f"git/commits/{self.sha}",
            f"commits/{self.sha}/pulls",
        ):
            self.get(bob, f"{R}/{path}")
        self.send(bob, "POST", f"{R}/git/refs", {"ref": "refs/heads/spare", "sha": main}, 201)
        self.send(bob, "PATCH", f"{R}/git/refs/heads/spare", {"sha": self.sha, "force": False})
        self.send(bob, "DELETE", f"{R}/git/refs/heads/spare", None, 204)

    def apps(self) -> None:
        signed = self._signed(self.app)
        with signed:
            self.get(signed, "/app")
            self.get(signed, "/app/installations")
            installation = self.get(signed, f"{R}/installation")["id"]
            self.get(signed, f"/app/installations/{installation}")
        self.get(self.installed, "/installation/repositories")

    def hooks(self) -> None:
        ada = self.scene.ada
        config = {"url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "s"}
        hook = self.send(ada, "POST", f"{R}/hooks", {"config": config, "events": ["issues"]}, 201)["id"]
        own = f"{R}/hooks/{hook}"
        self.send(ada, "PATCH", own, {"events": ["issues", "push"], "active": True})
        self.send(ada, "POST", f"{own}/pings", None, 204)
        for path in (f"{R}/hooks", own):
            self.get(ada, path)
        delivery = self.get(ada, f"{own}/deliveries")[0]["id"]
        self.get(ada, f"{own}/deliveries/{delivery}")
        self.send(ada, "POST", f"{own}/deliveries/{delivery}/attempts", None, 202)
        self.send(ada, "DELETE", own, None, 204)

    def merge(self) -> None:
        ada, bob = self.scene.ada, self.scene.bob
        self.scene.stand.push(REPO, "main", {"other.txt": "o\n"})
        self.send(bob, "PUT", f"{self.pull}/update-branch", {"expected_head_sha": self.sha}, 202)
        head = self.get(bob, self.pull)["head"]["sha"]
        self.send(bob, "POST", f"{R}/statuses/{head}", {"state": "success", "context": "deploy"}, 201)
        self.send(ada, "PUT", f"{self.pull}/merge", {"merge_method": "squash", "sha": head})
        self.get(bob, f"{self.pull}/merge", status=204)
        self.get(bob, self.pull)
        assert self.get(bob, f"{R}/issues/{self.issue}")["state"] == "closed"

    def get(self, client: httpx.Client, path: str, *, status: int = 200) -> Any:
        return self.send(client, "GET", path, None, status)

    def send(self, client: httpx.Client, method: str, path: str, content: Any, status: int = 200) -> Any:
        answer = client.request(method, path, json=content) if content is not None else client.request(method, path)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _app(self) -> int:
        stand = self.scene.stand
        app = stand.add_app("linter", owner="ada", public_key=PUBLIC)
        installation = stand.install("linter", owner="ada")
        with self._signed(app.id) as signed:
            made = self.send(signed, "POST", f"/app/installations/{installation.id}/access_tokens", {}, 201)
        self.installed = new_client(stand.api_url, {"authorization": f"Bearer {made['token']}"})
        return app.id

    def _signed(self, app: int) -> httpx.Client:
        return new_client(self.scene.stand.api_url, {"authorization": f"Bearer {app_token(app)}"})
