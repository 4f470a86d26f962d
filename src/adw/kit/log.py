"""Structured logging to standard error; event names in `snake_case`, ids bound once."""

from __future__ import annotations

import logging
import sys

import structlog

_LEVELS: dict[str, int] = {
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.NOTSET,
}


def configure_logging(level: str = "info", *, as_json: bool | None = None) -> None:
    """Sets up logging for a whole process. JSON lines unless standard error is a terminal."""
    number = _LEVELS[level]
    machine = not sys.stderr.isatty() if as_json is None else as_json
    renderer = (
        structlog.processors.JSONRenderer()
        if machine
        else structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback  # a rich one prints local variables, secrets among them
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if machine else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger bound to the name of a component."""
    return structlog.get_logger(component=name)
