"""What the tests of refusals share."""

from __future__ import annotations

from typing import Any

import httpx


def problem_of(answer: httpx.Response, *, status: int, code: str) -> dict[str, Any]:
    """The problem, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() >= {"type", "title", "status", "detail", "code", "hint"}
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:adw:problem:{code}")
    assert problem["title"]
    assert problem["detail"]
    return problem


def unusable(answer: httpx.Response) -> dict[str, Any]:
    """A problem with the input: of its form, which the description tells, or with what it means at the moment."""
    assert answer.status_code in {409, 422}, answer.text
    return problem_of(answer, status=answer.status_code, code="usage")


def body(**changes: Any) -> dict[str, Any]:
    return {"project": "/nowhere", "workflowType": "plan", "prompt": "Fix it"} | changes
