"""GraphQL, for the few things REST cannot do. Its refusals come as errors inside a success."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from adw.forge.github.client.call import Call
from adw.forge.github.client.errors import as_error, limit_error
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.repository import RepositoryApi
from adw.forge.github.documents import DOCUMENTS
from adw.kit.errors import ForgeError

_KINDS = {
    "NOT_FOUND": FailureKind.NOT_FOUND,
    "FORBIDDEN": FailureKind.DENIED,
    "INSUFFICIENT_SCOPES": FailureKind.DENIED,
    "UNPROCESSABLE": FailureKind.INVALID,
    "RATE_LIMITED": FailureKind.PRIMARY_LIMIT,
    "RATE_LIMIT": FailureKind.PRIMARY_LIMIT,
    "SERVICE_UNAVAILABLE": FailureKind.SERVER,
    "INTERNAL": FailureKind.SERVER,
}


async def ask(
    api: RepositoryApi,
    operation: str,
    variables: Mapping[str, Any],
    *,
    what: str,
    accept: Collection[FailureKind] = (),
) -> Mapping[str, Any] | Failure:
    """The data of one of our documents, or a refusal the caller accepts."""
    document = DOCUMENTS[operation]
    is_query = document.lstrip().startswith("query")
    answer = await api.api.send(
        Call(
            method="POST",
            path="/graphql",
            what=what,
            json={"query": document, "operationName": operation, "variables": dict(variables)},
            repository=api.full_name,
            resource="graphql",
            is_repeatable=is_query,
            makes_content=not is_query,
        )
    )
    said = answer.json()
    found: Mapping[str, Any] = cast("Mapping[str, Any]", said) if isinstance(said, dict) else {}
    failure = _failure(found.get("errors"), status=answer.status)
    if failure is None:
        return cast("Mapping[str, Any]", found.get("data") or {})
    if failure.kind in accept:
        return failure
    raise limit_error(None) if failure.is_limit else as_error(failure, what=what)


async def ask_data(api: RepositoryApi, operation: str, variables: Mapping[str, Any], *, what: str) -> Mapping[str, Any]:
    found = await ask(api, operation, variables, what=what)
    if isinstance(found, Failure):
        raise ForgeError(f"GitHub refused to {what}: {found}")
    return found


def inside(found: Any, *path: str) -> Any:
    """What lies at the end of a path of fields, None when any of them is missing or null."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = cast("Mapping[str, Any]", found).get(name)
    return found


def _failure(errors: Any, *, status: int) -> Failure | None:
    if not isinstance(errors, list) or not errors:
        return None
    said = [cast("Mapping[str, Any]", error) for error in cast("list[Any]", errors) if isinstance(error, dict)]
    kind = next((_KINDS[str(each["type"])] for each in said if str(each.get("type")) in _KINDS), FailureKind.UNEXPECTED)
    messages = tuple(str(each.get("message") or "no reason given") for each in said) or ("no reason given",)
    return Failure(kind=kind, status=status, message=messages[0], errors=messages[1:])
