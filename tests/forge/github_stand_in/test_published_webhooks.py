from __future__ import annotations

from pathlib import Path

from tests.corpora.npm import OPENAPI_WEBHOOKS, published
from tests.corpora.openapi import WebhookDescription
from tests.forge.github_stand_in.conftest import REPO, served
from tests.forge.github_stand_in.tour import Tour

from adw.forge.github_stand_in import StandIn

TOLD = {
    "check-run-completed",
    "check-run-created",
    "check-run-rerequested",
    "check-suite-completed",
    "create",
    "delete",
    "issue-comment-created",
    "issue-comment-deleted",
    "issue-comment-edited",
    "issues-closed",
    "issues-edited",
    "issues-labeled",
    "issues-locked",
    "issues-opened",
    "issues-reopened",
    "issues-unlabeled",
    "issues-unlocked",
    "label-created",
    "pull-request-auto-merge-disabled",
    "pull-request-auto-merge-enabled",
    "pull-request-closed",
    "pull-request-converted-to-draft",
    "pull-request-edited",
    "pull-request-labeled",
    "pull-request-opened",
    "pull-request-ready-for-review",
    "pull-request-review-comment-created",
    "pull-request-review-dismissed",
    "pull-request-review-requested",
    "pull-request-review-submitted",
    "pull-request-review-thread-resolved",
    "pull-request-review-thread-unresolved",
    "pull-request-synchronize",
    "push",
    "status",
    "workflow-job-completed",
    "workflow-job-queued",
    "workflow-run-completed",
}


def test_every_event_looks_as_github_describes_it(tmp_path: Path, request):
    webhooks = WebhookDescription.read(published(OPENAPI_WEBHOOKS, request.config.cache))
    stand = StandIn(folder=tmp_path / "github", observe_hooks=webhooks.see)
    for scene in served(stand):
        tour = Tour(scene)
        tour.go()
        tour.installed.close()
        number = scene.pull("other")
        stand.label(REPO, number, "big")
        stand.ready(REPO, number, draft=True)
        stand.ready(REPO, number)
        root = stand.thread(REPO, number, path="totals.py", line=5, body="Why?", by="eve")
        stand.resolve(REPO, root.id, by="eve")
        stand.resolve(REPO, root.id, by="eve", resolved=False)
        stand.protect(REPO, "main", checks=["lint"])
        auto = {
            "query": "mutation A($i: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $i}) { __typename } }"
        }
        node = scene.bob.get(f"/repos/{REPO}/pulls/{number}").json()["node_id"]
        scene.bob.post("/graphql", json={**auto, "variables": {"i": node}})
        off = {"query": auto["query"].replace("enable", "disable"), "variables": {"i": node}}
        assert "errors" not in scene.bob.post("/graphql", json=off).json()
    assert "\n".join(webhooks.complaints) == ""
    assert webhooks.seen >= TOLD
