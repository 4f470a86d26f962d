"""Requests made up from the API's own description, good ones and bad ones, with the token and without."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from tests.api.stage import TOKEN, URL, Stage, open_stage

EXAMPLES = int(os.environ.get("ADW_GENERATED_REQUESTS", "1"))
"""For each operation and each kind of request; more look for more."""


class Runner:
    """A server in a loop of its own, asked from outside, one request after the other."""

    def __init__(self, url: str, root: Path, template: Path) -> None:
        self._loop = asyncio.Runner()
        self.stage: Stage = self.run(_opened(url, root, template))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.stage.app, raise_app_exceptions=False), base_url=URL
        )

    def run(self, work: Any) -> Any:
        return self._loop.run(work)

    def ask(self, case: Any, headers: dict[str, str]) -> httpx.Response | None:
        """None for what no client could send."""
        kwargs = case.as_transport_kwargs(base_url=URL)
        body = {name: kwargs[name] for name in ("json", "data", "files") if kwargs.get(name) is not None}
        if isinstance(body.get("data"), bytes | str):
            body = {"content": body["data"]}
        named = {str(name): str(value) for name, value in (kwargs.get("headers") or {}).items()}
        try:
            request = self.http.build_request(
                kwargs["method"], kwargs["url"], params=kwargs.get("params"), headers=named | headers, **body
            )
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
            return None
        return self.run(self.http.send(request))

    def close(self) -> None:
        self.run(self.http.aclose())
        self.run(self.stage.close())
        self._loop.close()


@pytest.fixture
def runner(database_url: str, tmp_path: Path, template: Path) -> Iterator[Runner]:
    runner = Runner(database_url, tmp_path, template)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        import schemathesis.checks
        import schemathesis.specs.openapi.checks
    return schemathesis


@pytest.mark.slow
@pytest.mark.timeout(120 * EXAMPLES)
@pytest.mark.parametrize("token", [TOKEN, None], ids=["authenticated", "anonymous"])
def test_every_answer_is_one_that_the_description_knows(runner: Runner, library: Any, token: str | None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    document = _aimed(runner.stage.app.openapi(), runner.run(_places(runner.stage)))
    schema = library.openapi.from_dict(document)
    found: list[str] = []
    seen: set[int] = set()
    # making them up takes half a second an operation; that strangers are not let in, cheaper tests say of each route
    every = 1 if EXAMPLES > 1 else 3 if token else 10
    for result in list(schema.get_all_operations())[::every]:
        operation = result.ok()
        for mode in library.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)
            _try(runner, library, strategy, headers, found, seen)
    assert "\n\n".join(found[:10]) == ""
    assert seen >= ({200, 201, 404, 409, 422} if token else {200, 401})


def _try(
    runner: Runner, library: Any, strategy: Any, headers: dict[str, str], found: list[str], seen: set[int]
) -> None:
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
        answer = runner.ask(case, headers)
        if answer is None:
            return
        seen.add(answer.status_code)
        about = f"{answer.request.method} {str(answer.request.url)[:200]} {answer.request.content[:200]!r}"
        excluded = [library.specs.openapi.checks.ignored_auth]  # what the anonymous run is for
        try:
            case.validate_response(answer, excluded_checks=excluded, headers=headers)
        except* AssertionError as group:
            found.append(
                f"{about}: {answer.status_code} {answer.text[:200]}\n{[str(each)[:500] for each in group.exceptions]}"
            )
        if not headers and not _is_open(answer.request.url.path):
            assert answer.status_code in {400, 401, 403, 404, 405, 413, 429}, about

    with contextlib.suppress(Unsatisfiable):  # nothing about it can be wrong
        ask()


def _is_open(path: str) -> bool:
    return path.startswith(("/health", "/webhooks/", "/login/", "/approve/"))


async def _opened(url: str, root: Path, template: Path) -> Stage:
    stage = open_stage(url=url, root=root, template=template)
    stage.app.state.stopping.set()  # streams end at once
    return stage


async def _places(stage: Stage) -> dict[str, list[Any]]:
    """What the parts of addresses and bodies may be, so that most of them lead to something."""
    workflows = [await stage.work(f"Number {number}") for number in range(3)]
    await stage.activate(workflows[1].adw_id)
    pull = await stage.pull(workflows[2])
    project = workflows[0].project_id
    return {
        "adw_id": [each.adw_id for each in workflows],
        "other": [workflows[1].adw_id],
        "reference": [project],
        "project": [project, str(stage.repository)],
        "number": [workflows[0].issue_number, pull.number],
        "period": ["month", "total"],
    }


def _aimed(document: dict[str, Any], places: dict[str, list[Any]]) -> dict[str, Any]:
    aimed = copy.deepcopy(document)
    for item in aimed["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in places:
                    parameter["schema"] = {"enum": places[parameter["name"]]}
    for schema in aimed["components"]["schemas"].values():
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False and "project" in properties:
            properties["project"] = {"enum": places["project"]}
    return aimed
