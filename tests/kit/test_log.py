from __future__ import annotations

import json
import subprocess
import sys

import pytest

from adw.kit.variables import VARIABLES

PROGRAM = """
import logging, sys
import structlog
from adw.kit.log import configure_logging, get_logger

configure_logging(sys.argv[1], as_json={as_json})
log = get_logger("part")
with structlog.contextvars.bound_contextvars(adw_id="0a1b2c3d"):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)("it_happened", what="x")
try:
    token = "hidden-value"
    raise RuntimeError("broken")
except RuntimeError:
    log.exception("defect")
logging.getLogger("library").info("chatter")
logging.getLogger("library").error("trouble")
"""
LEVELS = ["debug", "info", "warning", "error", "critical"]
FIRST = {"fatal": 4, "error": 3, "warn": 2, "info": 1, "debug": 0, "trace": 0}


def logged(level, *, as_json=True):
    """What a process of its own writes: logging is set up once for each."""
    command = [sys.executable, "-c", PROGRAM.replace("{as_json}", str(as_json)), level]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == ""
    return done.stderr


def test_every_level_a_person_may_set_is_one_here():
    (variable,) = [each for each in VARIABLES if each.name == "LOG_LEVEL"]
    for level in FIRST:
        assert variable.parse(level.upper()) == level
    with pytest.raises(ValueError, match=", ".join(FIRST)):
        variable.parse("loud")


@pytest.mark.parametrize("level", ["fatal", "info", "trace"])
def test_each_level_lets_through_what_is_as_grave(level):
    lines = [json.loads(line) for line in logged(level).splitlines() if line.startswith("{")]
    told = [line for line in lines if line["event"] == "it_happened"]
    assert [line["level"] for line in told] == LEVELS[FIRST[level] :]
    assert all((line["component"], line["adw_id"], line["what"]) == ("part", "0a1b2c3d", "x") for line in told)
    assert all(line["timestamp"].endswith("Z") for line in told)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_is_told_without_the_values_of_variables(as_json):
    said = logged("info", as_json=as_json)
    assert "RuntimeError: broken" in said
    assert said.count("hidden-value") <= said.count('token = "hidden-value"')
    assert "chatter" not in said
    assert "ERROR library trouble" in said
