"""Figures for Prometheus, in its text format. No name of a person, project or workflow is among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from adw.api.counting import Counts
from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.store.figures import Figures, read_figures

MEDIA_TYPE = "text/plain; version=0.0.4"

Sample = tuple[Mapping[str, object], float]

router = APIRouter(tags=["health"], responses=problems())


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "In the text format of Prometheus"}},
)
async def get_metrics(services: Services, request: Request) -> Response:
    """Workflows, queue, events, cost and workers of all servers; requests of this one."""
    async with services.database.read() as connection:
        figures = await read_figures(connection)
    lines = [*_of_figures(figures), *_of_requests(request.app.state.counts)]
    return Response("\n".join([*lines, ""]), headers={"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"})


def _of_figures(figures: Figures) -> Iterator[str]:
    statuses = [({"status": status}, float(count)) for status, count in figures.workflows.items()]
    yield from _family("adw_workflows", "gauge", "Workflows by status.", statuses)
    queue = next(count for status, count in figures.workflows.items() if status == "queued")
    yield from _family("adw_queue_length", "gauge", "Workflows that wait for a worker.", [({}, queue)])
    about = "How long the first of them has waited."
    yield from _family("adw_queue_oldest_seconds", "gauge", about, [({}, figures.oldest_queued_s)])
    yield from _family("adw_events_total", "counter", "Events of all workflows.", [({}, figures.events)])
    yield from _family("adw_cost_usd_total", "counter", "What is known to be spent.", [({}, float(figures.cost_usd))])
    yield from _family("adw_workers", "gauge", "Workers that take work.", [({}, figures.workers)])
    messages = [({"state": state}, float(count)) for state, count in figures.messages.items()]
    yield from _family("adw_notifications", "gauge", "Messages on their way, and given up.", messages)
    requests = [({"model": model}, float(each.requests)) for model, each in figures.models.items()]
    yield from _family("adw_model_requests_total", "counter", "Requests to models.", requests)
    tokens = [
        ({"model": model, "kind": kind.removesuffix("_tokens")}, float(count))
        for model, each in figures.models.items()
        for kind, count in asdict(each).items()
        if kind != "requests"
    ]
    yield from _family("adw_model_tokens_total", "counter", "Tokens of models.", tokens)


def _of_requests(counts: Counts) -> Iterator[str]:
    found = [
        ({"method": asked.method, "route": asked.route, "status": asked.status}, float(count), seconds)
        for asked, count, seconds in counts
    ]
    requests = [(labels, count) for labels, count, _ in found]
    yield from _family("adw_http_requests_total", "counter", "Requests this process answered.", requests)
    seconds = [(labels, seconds) for labels, _, seconds in found]
    about = "Seconds until those answers began, altogether."
    yield from _family("adw_http_request_seconds_total", "counter", about, seconds)


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
        yield f"{name}{{{shown}}} {value:.10g}" if shown else f"{name} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
