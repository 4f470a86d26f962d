"""What the gateway adds until an agent has the first byte of a model's answer."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from adw.kit.postgres import EmbeddedPostgres
from adw.store.migrations import migrate
from benchmarks.context import Context
from benchmarks.results import Figure, Measure, percentile
from benchmarks.rows import ADW_ID, write_workflow

SCENARIO = {"name": "bench", "rules": [], "default": {"blocks": [{"text": "Done. " * 50}]}}
PROMPT_CHARS = 60_000


def measure(context: Context) -> Figure:
    rounds = context.repetitions(5)
    count = context.repetitions(100, quick=30)
    found: dict[str, list[float]] = {"direct50": [], "direct95": [], "through50": [], "through95": []}
    with ExitStack() as stack:
        url = stack.enter_context(EmbeddedPostgres(data_dir=context.root / "data")).start()
        migrate(url)
        write_workflow(url)
        script = context.root / "scenario.json"
        script.write_text(json.dumps(SCENARIO))
        model = ("-P", "-m", "adw.cli.main", "model-server", "--json", "--scenario", str(script))
        model_url = _child(stack, *model)["url"]
        gateway = _child(stack, "-m", "benchmarks.gateway_child", url, model_url, ADW_ID)
        for number in range(rounds + 1):  # the first round warms up
            delays = _round(model_url, gateway, count)
            for way, samples in delays.items() if number else ():
                found[f"{way}50"].append(percentile(samples, 0.50))
                found[f"{way}95"].append(percentile(samples, 0.95))
    added = [
        Measure(
            name=f"first byte, p{share}",
            unit="ms",
            samples=found[f"through{share}"],
            baseline=found[f"direct{share}"],
            baseline_name="directly from the scripted model",
        )
        for share in (50, 95)
    ]
    differences = [b - a for a, b in zip(found["direct50"], found["through50"], strict=True)]
    tails = [b - a for a, b in zip(found["direct95"], found["through95"], strict=True)]
    return Figure(
        title="Gateway",
        setting=(
            f"{count} streamed requests of {PROMPT_CHARS // 1000} kB each way, alternating, over kept-alive "
            "connections; gateway, scripted model and caller are three processes. Every request is reserved and "
            "booked in PostgreSQL."
        ),
        measures=[
            *added,
            Measure(name="added, p50", unit="ms", samples=differences, goal_at_most=5),
            Measure(name="added, p95", unit="ms", samples=tails),
        ],
    )


def _child(stack: ExitStack, *arguments: str) -> dict[str, str]:
    """Starts a program that prints one line of JSON when it is ready."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    if process.stdout is None:
        raise RuntimeError("its output is a pipe")
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{arguments} said nothing")
    return json.loads(line)


def _round(model_url: str, gateway: dict[str, str], count: int) -> dict[str, list[float]]:
    ways = {"direct": (_connect(model_url), "any"), "through": (_connect(gateway["url"]), gateway["token"])}
    delays: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(count):
        for way, (connection, key) in ways.items():
            delays[way].append(_first_byte_ms(connection, key))
    for connection, _ in ways.values():
        connection.close()
    return delays


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)


def _first_byte_ms(connection: http.client.HTTPConnection, key: str) -> float:
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1000,
        "stream": True,
        "messages": [{"role": "user", "content": "word " * (PROMPT_CHARS // 5)}],
    }
    headers = {"content-type": "application/json", "x-api-key": key, "anthropic-version": "2023-06-01"}
    content = json.dumps(body).encode()
    started = time.perf_counter()
    connection.request("POST", "/v1/messages", content, headers)
    answer = connection.getresponse()
    answer.read(1)
    delay_ms = 1000 * (time.perf_counter() - started)
    if answer.status != http.client.OK:
        raise RuntimeError(f"answered {answer.status}: {answer.read(500)!r}")
    answer.read()
    return delay_ms
