"""Says what is wrong with `adw.toml` in words for the person who wrote it: key, reason, example, suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from adw.kit.errors import ConfigurationError

Path = Sequence[int | str]

_REASONS = {
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "missing": "missing",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "this name has characters that are not allowed",
}


def refusal(source: str, problems: Sequence[str]) -> ConfigurationError:
    """One error that lists every problem."""
    head = f"{source} has {len(problems)} problem{'' if len(problems) == 1 else 's'}:"
    return ConfigurationError("\n  ".join([head, *problems]), hint=f"Correct {source} and try again")


def describe(error: ValidationError, *, root: type[BaseModel]) -> Iterator[str]:
    """One line for each problem, in the order of the file's tables."""
    for problem in error.errors(include_url=False, include_context=False):
        path = [part for part in problem["loc"] if part != "[key]"]
        yield f"{_dotted(path)}: {_reason(problem['type'], problem['msg'], path, root)}{_example(path, root)}"


def suggestion(word: str, known: Sequence[str]) -> str:
    """The rest of a sentence about an unknown word: the nearest known one, else all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known: {', '.join(known)}" if known else ""


def _reason(kind: str, message: str, path: Path, root: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{suggestion(str(path[-1]), list(_fields_at(path[:-1], root)))}"
    return _REASONS.get(kind) or message.removeprefix("Value error, ").replace("Input should be", "must be")


def _example(path: Path, root: type[BaseModel]) -> str:
    field = _fields_at(path[:-1], root).get(str(path[-1])) if path else None
    return f" (example: {field.examples[0]})" if field is not None and field.examples else ""


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(top level)"


def _fields_at(path: Path, root: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The keys of the table at a path. A part that is no key of a table is a name or number inside one."""
    table = root
    for part in path:
        field = _fields_of(table).get(str(part))
        inner = _table_in(field.annotation) if field else None
        table = inner or table
    return _fields_of(table)


def _fields_of(table: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """The table inside an annotation such as `dict[str, X]`, `tuple[X, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _table_in(inner)) is not None), None)
