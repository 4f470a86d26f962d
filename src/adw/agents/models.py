"""Which model each role uses in each model set. Any of them can be replaced by settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from adw.domain.agent import ModelSet, Role

STRONG = "claude-opus-5-5"
BALANCED = "claude-sonnet-5-5"
CHEAP = "claude-haiku-5-5"

# Sorting an issue is easy: no set pays more for it.
MODELS: Mapping[ModelSet, Mapping[Role, str]] = MappingProxyType(
    {
        ModelSet.BASE: dict.fromkeys(Role, BALANCED) | {Role.CLASSIFIER: CHEAP},
        ModelSet.HEAVY: dict.fromkeys(Role, STRONG) | {Role.CLASSIFIER: CHEAP},
        ModelSet.LIGHTWEIGHT: dict.fromkeys(Role, CHEAP),
    }
)


def model_for(role: Role, *, model_set: ModelSet, overrides: Mapping[str, str] | None = None) -> str:
    """The model's id. `overrides` maps `<set>.<role>`, `<set>` or `<role>` to an id; the most specific one wins."""
    chosen = overrides or {}
    keys = (f"{model_set}.{role}", str(role), str(model_set))
    return next((chosen[key] for key in keys if key in chosen), MODELS[model_set][role])
