"""Which rule answers a request. A pure function of the request and of how often it came before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adw.agents.scripted_model.numbers import holds
from adw.agents.scripted_model.request import RequestView
from adw.agents.scripted_model.scenario import PLAIN_ENDING, Reply, Rule, Scenario, When

DEFAULT_RULE = "(default)"
GUARD_RULE = "(too many steps)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The rule that answers, its reply, and the values its templates may use."""

    rule: str
    reply: Reply
    values: Mapping[str, str | None]


def choose(scenario: Scenario, view: RequestView, *, seen: int = 0) -> Choice:
    """The first rule that holds; `seen` is how often this very request came before."""
    built_in = {"cwd": view.cwd, "model": view.model, "phase": view.phase, "role": view.role}
    if view.step >= scenario.max_steps:
        return Choice(rule=GUARD_RULE, reply=PLAIN_ENDING, values=built_in)
    for rule in scenario.rules:
        captured = _match(rule.when, view, seen=seen)
        reply = None if captured is None else _reply_of(rule, view.step)
        if captured is not None and reply is not None:
            return Choice(rule=rule.name, reply=reply, values=captured | built_in)
    return Choice(rule=DEFAULT_RULE, reply=scenario.default, values=built_in)


def _reply_of(rule: Rule, step: int) -> Reply | None:
    if rule.reply is not None:
        return rule.reply
    return rule.steps[step] if step < len(rule.steps) else None


def _match(when: When, view: RequestView, *, seen: int) -> dict[str, str | None] | None:
    """The named groups captured, or None when a matcher does not hold."""
    if not (_plain_matchers_hold(when, view) and _numbers_hold(when, view, seen=seen)):
        return None
    captured: dict[str, str | None] = {}
    searched = (
        (when.prompt, view.prompt),
        (when.any_text, view.all_text),
        (when.tool_result, view.tool_result),
        (when.model, view.model),
    )
    for pattern, text in searched:
        if pattern is None:
            continue
        found = re.search(pattern, text, re.MULTILINE)
        if found is None:
            return None
        # A group that took no part is an empty text: the rule did match.
        captured |= found.groupdict(default="")
    return captured


def _plain_matchers_hold(when: When, view: RequestView) -> bool:
    pairs = (
        (when.role, view.role),
        (when.phase, view.phase),
        (when.last_tool, view.last_tool),
        (when.tool_error, view.tool_error),
        (when.stream, view.stream),
    )
    offered = when.has_tool is None or when.has_tool in view.tools
    return offered and all(wanted is None or wanted == actual for wanted, actual in pairs)


def _numbers_hold(when: When, view: RequestView, *, seen: int) -> bool:
    pairs = ((when.step, view.step), (when.turn, view.turn), (when.retry, view.retry), (when.seen, seen))
    return all(wanted is None or holds(wanted, actual) for wanted, actual in pairs)
