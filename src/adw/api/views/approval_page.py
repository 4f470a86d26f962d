"""The page that a link of a notification leads to: what is asked, and two buttons. It needs no script and no file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.notification_text import one_line
from adw.domain.workflow import Workflow

MAX_SHOWN_CHARS = 2000

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.3rem}dt{color:#57606a;font-size:.85rem}dd{margin:0 0 .8rem;overflow-wrap:anywhere}"
    "button{font:inherit;padding:.6rem 1.4rem;margin:0 .6rem .6rem 0;border:1px solid #57606a;border-radius:6px;"
    "background:#f6f8fa;cursor:pointer}button.yes{background:#1a7f37;border-color:#1a7f37;color:#fff}"
    "p.note{color:#57606a;font-size:.85rem}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPage:
    """What the person is shown before they decide."""

    approval: Approval
    workflow: Workflow
    project: str
    person: str
    change: str
    """The size of the change, in words."""


def asked_page(page: AskedPage) -> str:
    """The form goes to the page's own address, which is the secret."""
    workflow = page.workflow
    number = "" if workflow.issue_number is None else f" #{workflow.issue_number}"
    facts = {
        "Question": one_line(page.approval.question, limit=MAX_SHOWN_CHARS),
        **_input_of(page.approval),
        "Work": f"{page.project}{number} {one_line(workflow.issue_title, limit=MAX_SHOWN_CHARS)}",
        "Workflow": f"{workflow.adw_id}, {workflow.workflow_type}, {workflow.status}",
        "Change so far": page.change,
        "You answer as": page.person,
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    buttons = (
        '<form method="post"><button class="yes" name="decision" value="allow">Approve</button>'
        '<button name="decision" value="deny">Deny</button></form>'
    )
    note = '<p class="note">The first answer counts, by whomever it is given. Nothing happens until you press one.</p>'
    return _page("A decision is needed", f"<dl>{listed}</dl>{buttons}{note}")


def _input_of(approval: Approval) -> dict[str, str]:
    """Of a call that an agent wants to make: all it is made with, as far as there is room."""
    if approval.kind is not ApprovalKind.TOOL:
        return {}
    given = json.dumps(approval.data.get("input"), ensure_ascii=False)
    return {"Input": one_line(given, limit=MAX_SHOWN_CHARS)}


def decided_page(approval: Approval) -> str:
    """How the question was answered, by this person or somebody before them."""
    verdict = "Approved" if approval.decision is Decision.ALLOWED else "Denied"
    by = escape(approval.decided_by or "the system")
    reason = f": {escape(one_line(approval.reason, limit=MAX_SHOWN_CHARS))}" if approval.reason else ""
    question = escape(one_line(approval.question, limit=MAX_SHOWN_CHARS))
    return _page(verdict, f"<p>{question}</p><p>Decided by {by}{reason}.</p>")


def unusable_page() -> str:
    """The same whether it never was a link, was used, has expired, or its question was answered elsewhere."""
    said = "It was used, it has expired, or the question was answered otherwise."
    hint = "What still waits for an answer is listed by <code>adw approval list</code>."
    return _page("This link does not work any more", f"<p>{said}</p><p>{hint}</p>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
