from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from tests.api.stage import Stage

from adw.api.examples import EXAMPLES


@pytest.fixture
def described(stage: Stage) -> dict[str, Any]:
    return stage.app.openapi()


def test_every_example_is_of_its_schema(described: dict[str, Any]):
    schemas = described["components"]["schemas"]
    for name, example in EXAMPLES.items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema_rs.validator_for(whole, validate_formats=True).validate(dict(example))


def test_every_body_of_a_request_has_one(described: dict[str, Any]):
    bodies = [
        content["schema"]
        for item in described["paths"].values()
        for operation in item.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    named = {each.rpartition("/")[2] for body in bodies for each in _references(body)}
    assert named
    assert named - EXAMPLES.keys() == set()
    assert all(described["components"]["schemas"][name]["examples"] for name in named)


def _references(schema: dict[str, Any]) -> list[str]:
    return [each["$ref"] for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]


def test_they_can_be_sent_as_they_stand():
    assert json.loads(json.dumps(EXAMPLES)) == EXAMPLES
