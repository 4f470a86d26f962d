"""Reads scenario files, TOML or JSON. Errors name the file, the rule and, for a misspelt key, the nearest right one."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from adw.agents.scripted_model.scenario import Block, Reply, Rule, Scenario, ToolCall, UsageOverride, When
from adw.kit.errors import ConfigurationError, NotFoundError

_MODELS: Mapping[str, type[BaseModel]] = {
    "rules": Rule,
    "when": When,
    "reply": Reply,
    "default": Reply,
    "steps": Reply,
    "blocks": Block,
    "tool": ToolCall,
    "usage": UsageOverride,
}


def load_scenario(source: str | Path) -> Scenario:
    """A scenario that comes with the package, by its name, or one from a file.

    Raises NotFoundError when there is none, ConfigurationError when it cannot be used.
    """
    path = Path(source)
    if path.suffix not in (".toml", ".json"):
        return _load_built_in(str(source))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{path}: no such scenario file", hint=f"built in: {', '.join(built_in_names())}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    return parse_scenario(text, origin=str(path))


def built_in_names() -> list[str]:
    return sorted(
        entry.name.removesuffix(".toml") for entry in _built_in_folder().iterdir() if entry.name.endswith(".toml")
    )


def parse_scenario(text: str, *, origin: str) -> Scenario:
    """A scenario from its text; `origin` is the file name in errors, and its ending tells TOML from JSON."""
    try:
        data: Any = json.loads(text) if origin.endswith(".json") else tomllib.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{origin}: {error}", hint="a scenario is TOML, or JSON in a .json file") from error
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, data=data, origin=origin), hint=_suggest(error)) from error


def _built_in_folder() -> Any:
    return resources.files("adw.agents.scripted_model").joinpath("scenarios")


def _load_built_in(name: str) -> Scenario:
    if name not in built_in_names():
        raise NotFoundError(
            f"there is no scenario called {name!r}",
            hint=f"give a .toml or .json file, or one of: {', '.join(built_in_names())}",
        )
    text = _built_in_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return parse_scenario(text, origin=f"{name}.toml")


def _explain(error: ValidationError, *, data: Any, origin: str) -> str:
    """Every problem on a line of its own."""
    lines = [
        f"{origin}: {_place(problem['loc'], data)}{problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False)
    ]
    return "\n".join(dict.fromkeys(lines))


def _place(loc: tuple[int | str, ...], data: Any) -> str:
    """`rule 'name': when.step: `, from the path pydantic gives."""
    if len(loc) > 1 and loc[0] == "rules" and isinstance(loc[1], int):
        rest = ".".join(str(part) for part in loc[2:])
        return f"rule {_rule_name(data, loc[1])}: " + (f"{rest}: " if rest else "")
    return f"{'.'.join(str(part) for part in loc)}: " if loc else ""


def _rule_name(data: Any, index: int) -> str:
    rule = data["rules"][index]
    name = cast("Mapping[str, Any]", rule).get("name") if isinstance(rule, dict) else None
    return repr(name) if isinstance(name, str) else f"number {index + 1}"


def _suggest(error: ValidationError) -> str | None:
    """For the first unknown key: the nearest known one, or all of them."""
    for problem in error.errors(include_url=False):
        if problem["type"] != "extra_forbidden":
            continue
        *parents, key = problem["loc"]
        named = [part for part in parents if isinstance(part, str)]
        known = list((_MODELS.get(named[-1], Scenario) if named else Scenario).model_fields)
        near = difflib.get_close_matches(str(key), known, n=1)
        return f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
    return None
