"""The figures by name; each is a module with `measure(context) -> Figure`."""

from __future__ import annotations

FIGURES = {
    "requests": "requests to models for one whole job, beside the predecessor's conversations",
    "startup": "from a command to its help, to a ready server, to a ready worker",
    "engine": "durable steps and transactions beside a hand-written PostgreSQL loop",
    "events": "appending events, and waking whoever listens",
    "gateway": "what the model gateway adds to the first byte",
    "memory": "idle server, worker and database; what an agent at work adds",
    "overhead": "what a workflow costs beside its agents, git and the project's commands",
    "recovery": "from kill -9 of a worker until its workflow goes on",
    "fifteen": "fifteen workflows at once on one repository",
}
