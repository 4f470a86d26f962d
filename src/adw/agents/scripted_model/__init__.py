"""A stand-in of the Messages API that answers from a scenario file. The same request always gets the same answer."""

from __future__ import annotations

from adw.agents.scripted_model.app import ScriptedModel
from adw.agents.scripted_model.journal import Journal, JournalEntry
from adw.agents.scripted_model.loading import built_in_names, load_scenario, parse_scenario
from adw.agents.scripted_model.scenario import Scenario
from adw.agents.scripted_model.server import ScriptedModelServer, run_model_server, serve_scripted_model

__all__ = [
    "Journal",
    "JournalEntry",
    "Scenario",
    "ScriptedModel",
    "ScriptedModelServer",
    "built_in_names",
    "load_scenario",
    "parse_scenario",
    "run_model_server",
    "serve_scripted_model",
]
