"""GitHub's own description of its REST interface, and whether a conversation keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson

from adw.forge.github_stand_in import Asked

ANYWHERE = {304, 400, 401, 403, 404, 422}
"""Answers that GitHub gives everywhere, though its description names them only here and there."""
NOT_REST = "/graphql"
_REF = re.compile(r"#/components/schemas/([^/]+)")


class Description:
    """Compiles what it is asked for, each with only the schemas it refers to: all in each would take gigabytes."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        _correct(document)
        self._schemas: dict[str, Any] = {name: _plain(one) for name, one in document["components"]["schemas"].items()}
        self._validators: dict[str, Any] = {}

    @classmethod
    def read(cls, path: Path) -> Description:
        return cls(orjson.loads(path.read_bytes()))

    def operation(self, method: str, template: str) -> dict[str, Any] | None:
        return self.document["paths"].get(template, {}).get(method.lower())

    def complaints(self, asked: Asked, *, answers_only: bool = False) -> list[str]:
        """What is wrong with a request (unless it was refused) and with the answer to it."""
        if asked.template in {None, NOT_REST} or asked.injected:
            return []
        operation = self.operation("GET" if asked.method == "HEAD" else asked.method, asked.template or "")
        if operation is None:
            return [f"{asked.method} {asked.template} is no operation of GitHub's"]
        found = list(self._of_answer(asked, operation))
        if asked.status < 400 and not answers_only:
            found += self._of_request(asked, operation)
        return [f"{asked.method} {asked.template} -> {asked.status}: {one}" for one in found]

    def errors(self, name: str, schema: dict[str, Any], value: Any) -> list[str]:
        """Where a value does not fit a schema; `name` is what the compiled one is kept under."""
        if name not in self._validators:
            whole = {"allOf": [_plain(schema)], "components": {"schemas": _needed(self._schemas, schema)}}
            self._validators[name] = jsonschema_rs.Draft4Validator(whole, validate_formats=True)
        validator = self._validators[name]
        if validator.is_valid(value):
            return []
        found = validator.iter_errors(value)
        return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in found]

    def _of_answer(self, asked: Asked, operation: dict[str, Any]) -> Iterator[str]:
        documented = operation["responses"].get(str(asked.status))
        if documented is None and asked.status not in ANYWHERE:
            yield "no answer that is documented"
        documented = self._resolved(documented or {})
        schema = documented.get("content", {}).get("application/json", {}).get("schema")
        if asked.answer is None or asked.status in {204, 304}:
            return
        if asked.status >= 400:
            schema = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
        if schema is not None:
            yield from self.errors(f"{operation['operationId']} {asked.status}", schema, asked.answer)

    def _of_request(self, asked: Asked, operation: dict[str, Any]) -> Iterator[str]:
        parameters = [self._resolved(one) for one in operation.get("parameters", ())]
        queries = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
        for name, text in parse_qsl(asked.query):
            if name not in queries:
                yield f"no query parameter {name}"
            else:
                value = _typed(text, queries[name])
                yield from self.errors(f"{operation['operationId']} ?{name}", queries[name], value)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is not None and asked.body is not None:
            yield from self.errors(f"{operation['operationId']} body", body, asked.body)

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = self.document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def pruned(self, operations: set[tuple[str, str]]) -> dict[str, Any]:
        """The same description with only these operations (method, template), and what they refer to."""
        paths: dict[str, dict[str, Any]] = {}
        for method, template in sorted(operations):
            operation = self.operation(method, template)
            if operation is not None:
                paths.setdefault(template, {})[method.lower()] = operation
        components: dict[str, dict[str, Any]] = {}
        waiting = _references(paths)
        while waiting:
            reference = waiting.pop()
            _, _, kind, name = reference.split("/", 3)
            if name not in components.setdefault(kind, {}):
                components[kind][name] = self.document["components"][kind][name]
                waiting |= _references(components[kind][name])
        return {**{key: self.document[key] for key in ("openapi", "info")}, "paths": paths, "components": components}


class WebhookDescription:
    """The same of the payloads of webhooks, which a newer kind of schema describes."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._webhooks = document["webhooks"]
        self._schemas = document["components"]["schemas"]
        self._validators: dict[str, Any] = {}
        self.seen: set[str] = set()
        self.complaints: list[str] = []

    @classmethod
    def read(cls, path: Path) -> WebhookDescription:
        return cls(orjson.loads(path.read_bytes()))

    def see(self, event: str, payload: dict[str, Any]) -> None:
        """For a stand-in to `observe_hooks` with."""
        name = "-".join([event, payload["action"]] if "action" in payload else [event]).replace("_", "-")
        self.seen.add(name)
        if name not in self._webhooks:
            self.complaints.append(f"{name}: no webhook of GitHub's")
            return
        if name not in self._validators:
            schema = self._webhooks[name]["post"]["requestBody"]["content"]["application/json"]["schema"]
            whole = {**schema, "components": {"schemas": _needed(self._schemas, schema)}}
            self._validators[name] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in self._validators[name].iter_errors(payload):
            self.complaints.append(f"{name} {'/'.join(map(str, error.instance_path))}: {error.message[:300]}")


class Watch:
    """Its `see` is for a stand-in to `observe` with: it keeps what the description forbids, and what was used."""

    def __init__(self, description: Description, *, answers_only: bool = False) -> None:
        self._description = description
        self._answers_only = answers_only
        self.complaints: list[str] = []
        self.seen: set[tuple[str, str, int]] = set()

    def see(self, asked: Asked) -> None:
        if asked.template is not None:
            self.seen.add((asked.method, asked.template, asked.status))
        self.complaints += self._description.complaints(asked, answers_only=self._answers_only)


def _correct(document: dict[str, Any]) -> None:
    """In the list of installations an account is said to be a person and an enterprise at once; elsewhere, either."""
    answer = document["paths"]["/app/installations"]["get"]["responses"]["200"]
    account = answer["content"]["application/json"]["schema"]["items"]["properties"]["account"]
    if "allOf" in account:
        account["anyOf"] = account.pop("allOf")


def _needed(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """All that a schema refers to, directly or not."""
    needed: dict[str, Any] = {}
    waiting = _named(schema)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = schemas[name]
            waiting |= _named(needed[name])
    return needed


def _named(part: Any) -> set[str]:
    return {found[1] for reference in _references(part) if (found := _REF.fullmatch(reference))}


def _references(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_references, part))
    if not isinstance(part, dict):
        return set()
    own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
    return own.union(*map(_references, part.values()))


def _plain(schema: Any) -> Any:
    """JSON Schema says with a type what OpenAPI 3.0 says with `nullable`."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _plain(value) for key, value in schema.items() if key not in {"example", "examples", "nullable"}}
    return {"anyOf": [made, {"enum": [None]}]} if schema.get("nullable") is True else made


def _typed(text: str, schema: dict[str, Any]) -> Any:
    kinds = {one.get("type") for one in [schema, *schema.get("oneOf", ())]}
    if "integer" in kinds and text.lstrip("-").isdigit():
        return int(text)
    if "boolean" in kinds and text in {"true", "false"}:
        return text == "true"
    return text
