"""ADW Orchestrator: from an issue to a tested pull request, by coding agents under deterministic control."""

__version__ = "0.1.0"
