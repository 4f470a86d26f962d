"""Refusals, worded as answers."""

from __future__ import annotations

from typing import Any

from adw.forge.github_stand_in.asgi import Reply

DOCUMENTATION = "https://docs.github.com/rest"


class RefusedError(Exception):
    """The request is answered with this instead of what it wanted."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}

    def reply(self) -> Reply:
        body: dict[str, Any] = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status)}
        if self.errors is not None:
            body["errors"] = self.errors
        return Reply(status=self.status, json=body, headers=dict(self.headers))


def not_found(message: str = "Not Found") -> RefusedError:
    return RefusedError(404, message)


def invalid(*, resource: str, field: str, code: str = "invalid", message: str | None = None) -> RefusedError:
    """A 422 about one field, as GitHub words them."""
    error: dict[str, Any] = {"resource": resource, "field": field, "code": code}
    if message is not None:
        error["message"] = message
    return RefusedError(422, "Validation Failed", errors=[error])


def unprocessable(message: str) -> RefusedError:
    return RefusedError(422, message)
