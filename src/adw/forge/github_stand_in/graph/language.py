"""Carries out a document over plain dicts: fields are looked up by name, and those that are functions are called.

What a document asks of a thing that lacks it is an error, so that nothing is answered by guessing.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from graphql import GraphQLError, parse
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.utilities import value_from_ast_untyped

from adw.forge.github_stand_in.errors import RefusedError

Thing = Mapping[str, Any]

_TYPES = {403: "FORBIDDEN", 404: "NOT_FOUND", 422: "UNPROCESSABLE"}
_INTERFACES = {"Node", "Actor"}


class Execution:
    """One operation of one document. `errors` is filled while it runs."""

    def __init__(self, document: str, *, operation: str | None, variables: Mapping[str, Any]) -> None:
        """Raises RefusedError (400) for what is no GraphQL or names no operation of it."""
        try:
            parsed = parse(document)
        except GraphQLError as error:
            raise RefusedError(400, f"Parse error: {error.message}") from error
        self._fragments = {one.name.value: one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)}
        operations = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
        chosen = [one for one in operations if operation is None or (one.name and one.name.value == operation)]
        if len(chosen) != 1:
            raise RefusedError(400, "An operation name is needed that the document has once")
        self._operation = chosen[0]
        self._variables = self._defaults() | dict(variables)
        self.errors: list[dict[str, Any]] = []

    @property
    def is_mutation(self) -> bool:
        return self._operation.operation.value == "mutation"

    async def run(self, root: Thing) -> dict[str, Any]:
        """The answer: data, and errors if there were any."""
        data = await self._select(root, self._operation.selection_set, path=())
        return {"data": data, "errors": self.errors} if self.errors else {"data": data}

    async def _select(self, thing: Thing, selections: SelectionSetNode, *, path: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for node in selections.selections:
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found[key] = await self._field(thing, node, path=(*path, key))
            else:
                found |= await self._fragment(thing, cast("InlineFragmentNode | FragmentSpreadNode", node), path=path)
        return found

    async def _fragment(
        self, thing: Thing, node: InlineFragmentNode | FragmentSpreadNode, *, path: tuple[str, ...]
    ) -> dict[str, Any]:
        if isinstance(node, FragmentSpreadNode):
            whole = self._fragments.get(node.name.value)
            if whole is None:
                raise RefusedError(400, f"No fragment {node.name.value}")
            condition, selections = whole.type_condition, whole.selection_set
        else:
            condition, selections = node.type_condition, node.selection_set
        name = condition.name.value if condition else None
        if name is not None and name != thing.get("__typename") and name not in _INTERFACES:
            return {}
        return await self._select(thing, selections, path=path)

    async def _field(self, thing: Thing, node: FieldNode, *, path: tuple[str, ...]) -> Any:
        name = node.name.value
        if name not in thing:
            self._fail(path, f"Field '{name}' doesn't exist on type '{thing.get('__typename')}'", kind="undefinedField")
            return None
        value = thing[name]
        try:
            if callable(value):
                value = value(**{one.name.value: self._value(one.value) for one in node.arguments or ()})
            if inspect.isawaitable(value):
                value = await value
        except RefusedError as error:
            self._fail(path, error.message, kind=_TYPES.get(error.status, "UNPROCESSABLE"))
            return None
        return await self._shown(value, node.selection_set, path=path)

    async def _shown(self, value: Any, selections: SelectionSetNode | None, *, path: tuple[str, ...]) -> Any:
        if value is None or selections is None:
            return value
        if isinstance(value, list):
            return [await self._shown(one, selections, path=path) for one in cast("list[Any]", value)]
        return await self._select(cast("Thing", value), selections, path=path)

    def _value(self, node: Any) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, NullValueNode):
            return None
        if isinstance(node, ObjectValueNode):
            return {field.name.value: self._value(field.value) for field in node.fields}
        if isinstance(node, ListValueNode):
            return [self._value(one) for one in node.values]
        return value_from_ast_untyped(node)

    def _defaults(self) -> dict[str, Any]:
        return {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in self._operation.variable_definitions or ()
            if one.default_value is not None
        }

    def _fail(self, path: tuple[str, ...], message: str, *, kind: str) -> None:
        self.errors.append({"type": kind, "path": list(path), "message": message, "locations": []})
