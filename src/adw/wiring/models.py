"""Which model plays which part in a project."""

from __future__ import annotations

from adw.agents.models import model_for
from adw.domain.agent import ModelSet, Role
from adw.domain.config import ProjectConfig


def pick_model(role: Role, model_set: ModelSet, config: ProjectConfig) -> str:
    """The set's model for the role, unless `adw.toml` names another."""
    return model_for(role, model_set=model_set, overrides={str(k): v for k, v in config.agents.models.items()})
