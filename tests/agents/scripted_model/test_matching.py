from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adw.agents.scripted_model import load_scenario
from adw.agents.scripted_model.answer import build_answer
from adw.agents.scripted_model.matching import DEFAULT_RULE, GUARD_RULE, choose
from adw.agents.scripted_model.request import read_request

SAY = {"reply": {"blocks": [{"text": "yes"}]}}


def view_of(data: dict, **headers: str):
    return read_request(json.dumps(data).encode(), headers=headers)


def after_tool(*, text: str = "2 failed", is_error: bool = False) -> list[dict]:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": text, "is_error": is_error}
    return [
        {"role": "user", "content": "Plan file: `specs/a.md`\nGo."},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ({"role": "planner"}, {"role": "resolver"}),
        ({"phase": "plan"}, {"phase": "build"}),
        ({"prompt": "^Go"}, {"prompt": "failed"}),
        ({"any_text": "failed"}, {"any_text": "absent"}),
        ({"step": 1}, {"step": 0}),
        ({"step": "1.."}, {"step": [0, 2]}),
        ({"turn": 1}, {"turn": "2.."}),
        ({"last_tool": "Bash"}, {"last_tool": "Read"}),
        ({"tool_result": r"\d+ failed"}, {"tool_result": "passed"}),
        ({"tool_error": False}, {"tool_error": True}),
        ({"model": "^claude"}, {"model": "^gpt"}),
        ({"has_tool": "StructuredOutput"}, {"has_tool": "Write"}),
        ({"stream": True}, {"stream": False}),
        ({"retry": 1}, {"retry": 0}),
        ({"seen": "3.."}, {"seen": 0}),
    ],
)
def test_each_matcher_holds_or_fails(body, scenario, holds, fails):
    view = view_of(body(*after_tool()), **{"x-stainless-retry-count": "1"})
    assert choose(scenario({"when": holds} | SAY), view, seen=3).rule == "rule 0"
    assert choose(scenario({"when": fails} | SAY), view, seen=3).rule == DEFAULT_RULE


def test_every_matcher_of_a_rule_must_hold(body, scenario):
    rules = scenario({"when": {"role": "planner", "step": 5}} | SAY, {"when": {"role": "planner"}} | SAY)
    assert choose(rules, view_of(body())).rule == "rule 1"


def test_the_first_rule_that_holds_answers(body, scenario):
    assert choose(scenario(SAY, SAY), view_of(body())).rule == "rule 0"


def test_without_a_rule_the_default_answers(body, scenario):
    choice = choose(scenario(default={"blocks": [{"text": "Nothing to do."}]}), view_of(body()))
    assert (choice.rule, choice.reply.blocks[0].text) == (DEFAULT_RULE, "Nothing to do.")


def test_steps_answer_in_turn_and_then_no_more(body, scenario):
    rules = scenario({"steps": [{"blocks": [{"text": "first"}]}, {"blocks": [{"text": "second"}]}]})
    prompt, call, result = after_tool()
    answers = [choose(rules, view_of(body(prompt, *[call, result] * steps))).reply.blocks[0].text for steps in range(3)]
    assert answers == ["first", "second", "Done."]


def test_a_script_that_calls_tools_for_ever_is_ended(body, scenario):
    rules = scenario({"reply": {"blocks": [{"tool": {"name": "Bash", "input": {}}}]}}, max_steps=3)
    prompt, call, result = after_tool()
    names = [choose(rules, view_of(body(prompt, *[call, result] * steps))).rule for steps in range(5)]
    assert names == ["rule 0", "rule 0", "rule 0", GUARD_RULE, GUARD_RULE]


def test_groups_captured_by_any_pattern_fill_the_reply(body, scenario):
    when = {"prompt": "Plan file: `(?P<plan>[^`]+)`(?P<rest>never)?", "tool_result": r"(?P<count>\d+) failed"}
    said = "${count} in ${cwd}/${plan} by ${role}/${phase}/${model}${rest}"
    view = view_of(body(*after_tool(), {"role": "system", "content": "Working directory: /w"}))
    answer = build_answer(choose(scenario({"when": when, "reply": {"blocks": [{"text": said}]}}), view), view)
    assert answer.content[0]["text"] == "2 in /w/specs/a.md by planner/plan/claude-test"


texts = st.text(max_size=40)
blocks = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, texts),
    st.builds(
        lambda t, e: {"type": "tool_result", "tool_use_id": "t1", "content": t, "is_error": e}, texts, st.booleans()
    ),
    st.builds(lambda n: {"type": "tool_use", "id": "t1", "name": n, "input": {}}, texts),
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.one_of(texts, st.lists(blocks))}
    ),
    max_size=6,
)
systems = st.sampled_from(
    [
        f"ADW role: {role}\nADW phase: {phase}\nWorking directory: /w"
        for role, phase in [
            ("planner", "plan"),
            ("implementor", "build"),
            ("resolver", "test"),
            ("classifier", "plan"),
            ("other", "plan"),
        ]
    ]
)


@settings(max_examples=60)
@given(conversation=messages, system=systems, stream=st.booleans())
def test_the_same_request_always_gets_the_same_answer(conversation, system, stream):
    data = {"model": "m", "system": system, "messages": conversation, "stream": stream}
    first, second = (build_answer(choose(load_scenario("demo"), view), view) for view in (view_of(data), view_of(data)))
    assert first == second
    assert all(count >= 0 for count in first.usage.values())
