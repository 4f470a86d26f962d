"""Requests made up from GitHub's description, good ones and bad ones, and never an answer it does not know."""

from __future__ import annotations

import contextlib
import copy
import os
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from tests.corpora.openapi import Description, Watch
from tests.forge.github_stand_in.conftest import REPO, Scene, served

from adw.forge.github_stand_in import StandIn
from adw.forge.github_stand_in.routing import ROUTES

OWNER, NAME = REPO.split("/")
EXAMPLES = int(os.environ.get("ADW_GENERATED_REQUESTS", "2"))
"""For each kind of request; more look for more."""


@pytest.mark.slow
def test_nothing_made_up_from_the_description_is_answered_in_an_unknown_way(tmp_path: Path, description: Description):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis.generation import GenerationMode

    watch = Watch(description, answers_only=True)
    used = {(route.method, route.template) for route in ROUTES}
    broken: list[str] = []
    for scene in served(StandIn(folder=tmp_path / "github", observe=watch.see, rate_limit=1_000_000)):
        document = _aimed(description.pruned(used), _places(scene))
        schema = schemathesis.openapi.from_dict(document)
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _try(scene, operation.as_strategy(generation_mode=mode), broken)
    assert broken == []
    assert "\n".join(sorted(set(watch.complaints))[:20]) == ""
    assert {(method, template) for method, template, _ in watch.seen} >= used - {("POST", "/graphql")}


def _try(scene: Scene, strategy: Any, broken: list[str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case: Any) -> None:
        kwargs = case.as_transport_kwargs(base_url=scene.stand.api_url)
        content = {"json": kwargs["json"]} if "json" in kwargs else {"content": kwargs.get("data")}
        content = content if isinstance(content.get("content", b""), bytes | str | None) else {}
        try:
            answer = scene.ada.request(kwargs["method"], kwargs["url"], params=kwargs.get("params"), **content)
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
            return  # nothing that a client would send
        except httpx.TransportError as error:
            broken.append(f"{kwargs['method']} {kwargs['url']} {content}: {error}")
            return
        if answer.status_code >= 500:
            broken.append(f"{answer.request.method} {answer.request.url} {answer.request.content!r}: {answer.text}")

    with contextlib.suppress(Unsatisfiable):  # nothing about it can be wrong
        ask()


def _how_much_it_ruins(operation: Any) -> tuple[bool, str, str]:
    ends = operation.method.upper() == "DELETE" or operation.path.endswith("/merge")
    return ends, operation.path, operation.method


def _places(scene: Scene) -> dict[str, list[Any]]:
    """What the parts of addresses may be, so that most of them lead to something."""
    stand, number = scene.stand, scene.pull()
    issue = stand.add_issue(REPO, "Wrong", labels=["bug"])
    root = stand.thread(REPO, number, path="totals.py", line=5, body="Why?", by="eve")
    review = stand.review(REPO, number, "COMMENT", by="eve", body="Hm")
    comment = stand.comment(REPO, issue, "Indeed")
    job = stand.set_check(REPO, "fix", "ci", "failure")
    hook = stand.add_hook(REPO, "http://127.0.0.1:9/", events=["label"])
    sha = stand.world.repository(REPO).head("fix")
    return {
        "owner": [OWNER],
        "repo": [NAME],
        "issue_number": [issue, number],
        "pull_number": [number],
        "comment_id": [comment.id, root.id],
        "review_id": [review.id],
        "check_run_id": [job.id],
        "check_suite_id": [job.suite],
        "job_id": [job.id],
        "run_id": [job.suite],
        "hook_id": [hook],
        "username": ["bob", "eve"],
        "name": ["bug"],
        "branch": ["main", "fix"],
        "ref": ["fix", "heads/fix", sha],
        "sha": [sha],
        "commit_sha": [sha],
        "basehead": ["main...fix"],
    }


def _aimed(document: dict[str, Any], places: dict[str, list[Any]]) -> dict[str, Any]:
    aimed = copy.deepcopy(document)
    own = [
        one
        for path in aimed["paths"].values()
        for operation in path.values()
        for one in operation.get("parameters", ())
    ]
    for parameter in [*aimed["components"].get("parameters", {}).values(), *own]:
        if parameter.get("in") == "path" and parameter["name"] in places:
            parameter["schema"] = {"enum": places[parameter["name"]]}
    for parameter in aimed["components"].get("parameters", {}).values():
        parameter.pop("example", None)
    return aimed
