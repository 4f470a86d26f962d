"""The figures by name; each is a module with `measure(context) -> Figure`."""

from __future__ import annotations

FIGURES = {
    "requests": "requests to models for one whole job, beside the predecessor's conversations",
    "startup": "from a command to its help, to a ready server, to a ready worker",
    "engine": "durable steps and transactions beside a hand-written PostgreSQL loop",
    "dispatch": "from accepted work to its first recorded step",
    "queries": "listing, queueing, claiming and paging with 10,000 workflows and 5 million events",
    "events": "appending events, and waking whoever listens",
    "fanout": "waking many listeners at once",
    "sockets": "from a commit to 1,000 sockets that follow ten workflows, each event once and in order",
    "api_latency": "fifty clients of the API with 10,000 workflows and a million events behind it",
    "parts": "working tree, set-up, baseline and CLI, up to an agent's start",
    "containment": "what the sandbox adds to the start of a command",
    "gateway": "what the model gateway adds to the first byte",
    "memory": "idle server, worker and database; what an agent at work adds",
    "overhead": "what a workflow costs beside its agents, git and the project's commands",
    "recovery": "from kill -9 of a worker until its workflow goes on",
    "takeover": "from the loss of a worker until another one goes on",
    "waiting": "memory of workflows that wait for a person",
    "crowd_cli": "processor time and memory of each workflow, many at once, with the agents' CLI",
    "crowd_plain": "the same with agents that are no processes, hundreds at once",
    "fifteen": "fifteen workflows at once on one repository",
}
