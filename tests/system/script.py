"""Scenarios of the scripted model, written as what each role does, step by step."""

from __future__ import annotations

import json

from adw.agents.scripted_model import parse_scenario

PLAN = """# Plan: say farewell

## Problem
The project greets people when they come and says nothing when they go.

## Steps
1. Add `farewell.txt`.
2. Add a check for it.
"""
NAMED = {"issue_class": "feature", "slug": "say-farewell", "title": "Say farewell"}
BUILT = {
    "summary": "A farewell is there.",
    "commit_message": "Say farewell",
    "pull_request_title": "Say farewell",
    "pull_request_body": "People are now seen off.",
}
REPAIRED = {"summary": "The greeting is whole again.", "commit_message": "Bring the greeting back"}
DOCUMENTED = {"summary": "It tells how people are seen off.", "commit_message": "Document the farewell"}
PAGE = """# Farewell

People who leave are told so. The words are kept in `farewell.txt`, one greeting a line, and can be changed there; no
program has to be started again for that.

`checks/farewell.sh` sees that the words are there. It is run together with all other checks.
"""
IN_DOCUMENT = r"Page file: `(?P<page_path>[^`\n]+)`"
PATCHED = {"summary": "What was found is put right.", "commit_message": "Put right what the review found"}
IN_PLAN = r"Plan file: `(?P<plan_path>[^`\n]+)`"


def scenario(*rules):
    """Rules in order; two that would bear the same name are numbered."""
    named = [rule | {"name": f"{rule['name']}-{number}"} for number, rule in enumerate(rules)]
    return parse_scenario(json.dumps({"name": "test", "rules": named}), origin="test.json")


def rule(name, *steps, **when):
    return {"name": name, "when": when, "steps": list(steps)}


def always(name, reply, **when):
    return {"name": name, "when": when, "reply": reply}


def classifies(*, extra=(), **named):
    return rule("classify", *extra, answer(NAMED | named), role="classifier")


def plans(*before, text=PLAN):
    steps = (*before, write("${cwd}/${plan_path}", text), say("The plan is written."))
    return rule("plan", *steps, role="planner", any_text=IN_PLAN)


def builds(*steps, **said):
    return rule("build", *steps, answer(BUILT | said), role="implementor")


def repairs(*steps, **said):
    return rule("repair", *steps, answer(REPAIRED | said), role="resolver")


def documents(*before, text=PAGE, told=None):
    """Writes the page and answers; `before` are steps that come first, `told` a pattern of what it was asked."""
    steps = (*before, write("${cwd}/${page_path}", text), answer(DOCUMENTED))
    asked = IN_DOCUMENT if told is None else f"{IN_DOCUMENT}(?s:.*){told}"
    return rule("document", *steps, role="documenter", any_text=asked)


def reviews(*found, before=(), round_number=None, **said):
    """A reviewer that finds these, in one round or in all; it rejects exactly when one of them blocks."""
    blocked = any(each["issue_severity"] == "blocker" for each in found)
    result = {"success": not blocked, "review_summary": "The change was read.", "review_issues": list(found)} | said
    which = {} if round_number is None else {"prompt": f"This is round {round_number}\\."}
    return rule("review", *before, answer(result), role="reviewer", **which)


def finding(text, *, severity="blocker", number=1, **more):
    return {
        "review_issue_number": number,
        "issue_description": text,
        "issue_resolution": "Put it right.",
        "issue_severity": severity,
        **more,
    }


def patches(*steps, round_number=None, **said):
    which = {} if round_number is None else {"prompt": f"This is round {round_number}\\."}
    return rule("patch", *steps, answer(PATCHED | said), role="patcher", **which)


def straight(*, build=None):
    """The usual script: named, planned, built; nothing is left to repair."""
    return scenario(classifies(), plans(), builds(*(build or [adds_farewell()])))


def adds_farewell():
    return blocks(
        call("Write", file_path="${cwd}/farewell.txt", content="farewell\n"),
        call("Write", file_path="${cwd}/checks/farewell.sh", content="grep -q farewell farewell.txt\n"),
    )


def blocks(*found, **reply):
    return {"blocks": list(found), **reply}


def call(tool, **arguments):
    return {"tool": {"name": tool, "input": arguments}}


def say(text, **reply):
    return blocks({"text": text}, **reply)


def answer(structured, **reply):
    return blocks({"structured": structured}, **reply)


def write(path, content):
    return blocks(call("Write", file_path=path, content=content))


def shell(command):
    return blocks(call("Bash", command=command, description="Run it"))


def fault(kind, **reply):
    return {"fault": kind, "blocks": [{"text": "never heard in full, " * 20}], **reply}
