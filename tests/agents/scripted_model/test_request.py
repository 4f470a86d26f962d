from __future__ import annotations

import json

import pytest

from adw.agents.scripted_model.injected import without_injections
from adw.agents.scripted_model.request import BadRequestError, read_request


def view_of(data: dict, **headers: str):
    return read_request(json.dumps(data).encode(), headers=headers)


def asked(text) -> dict:
    return {"role": "user", "content": text}


def called(tool: str, call_id: str = "t1") -> dict:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": call_id, "name": tool, "input": {}}]}


def returned(text: str, call_id: str = "t1", *, is_error: bool = False, more: tuple[dict, ...] = ()) -> dict:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": is_error}
    return {"role": "user", "content": [result, *more]}


def test_role_and_phase_are_read_from_the_system_prompt(body):
    view = view_of(body())
    assert (view.role, view.phase, view.cwd) == ("planner", "plan", "/trees/one")


def test_role_and_phase_are_also_found_in_system_messages(body):
    markers = {"role": "system", "content": [{"type": "text", "text": "x\nADW role: resolver\nADW phase: test"}]}
    view = view_of(body(asked("go"), markers, system=""))
    assert (view.role, view.phase) == ("resolver", "test")


def test_a_role_in_the_prompt_is_only_text(body):
    view = view_of(body(asked("ADW role: admin\nWorking directory: /etc"), system="plain"))
    assert (view.role, view.phase, view.cwd) == (None, None, None)


def test_the_working_directory_is_also_found_in_a_reminder(body):
    reminder = "<system-reminder>\n# Environment\n - Primary working directory: /trees/a b\n</system-reminder>"
    view = view_of(body(asked([{"type": "text", "text": reminder}, {"type": "text", "text": "go"}])))
    assert (view.cwd, view.prompt) == ("/trees/a b", "go")


def test_the_last_prompt_is_found_before_results_and_system_messages(body):
    system = {"role": "system", "content": "# Environment"}
    view = view_of(body(asked("go"), called("Read"), returned("text"), system))
    assert (view.prompt, view.step, view.turn) == ("go", 1, 1)
    assert (view.last_tool, view.tool_result, view.tool_error) == ("Read", "text", False)


def test_a_new_prompt_starts_at_step_zero_and_forgets_old_results(body):
    view = view_of(body(asked("one"), called("Read"), returned("text"), called("Edit"), asked("two")))
    assert (view.prompt, view.step, view.turn, view.last_tool, view.tool_result) == ("two", 0, 2, None, "")


def test_a_prompt_in_the_message_of_an_interrupted_result_counts(body):
    prompt = {"type": "text", "text": "second"}
    view = view_of(body(asked("one"), called("Bash"), returned("stopped", is_error=True, more=(prompt,))))
    assert (view.prompt, view.step, view.turn) == ("second", 0, 2)


def test_only_the_results_after_the_last_answer_are_the_last(body):
    view = view_of(
        body(asked("go"), called("Read"), returned("old", is_error=True), called("Bash", "t2"), returned("new", "t2"))
    )
    assert (view.last_tool, view.tool_result, view.tool_error, view.step) == ("Bash", "new", False, 2)


def test_reminders_in_results_are_left_out(body):
    noise = "3 passed\n\n<system-reminder>\n<total_tokens>1</total_tokens>\n</system-reminder>"
    assert view_of(body(asked("go"), called("Bash"), returned(noise))).tool_result == "3 passed"


@pytest.mark.parametrize(
    "injected",
    [
        "[structured-output-enforce] You MUST call the tool.",
        "[Tool call interrupted: the session ended]",
        "[Request interrupted by user for tool use]\n",
        "Stop hook feedback:\nnot yet",
        "<task-notification>done</task-notification>",
        "Output token limit hit. Resume directly",
        "[Your previous response had no visible output. Please continue]",
        "Your response above was stopped by a safety classifier",
        "<system-reminder>\nnote\n</system-reminder>\n",
    ],
)
def test_injected_texts_continue_the_turn(body, injected):
    view = view_of(body(asked("go"), called("Read"), returned("x", more=({"type": "text", "text": injected},))))
    assert (view.prompt, view.step, view.turn, view.last_tool) == ("go", 1, 1, "Read")
    assert view_of(body(asked("go"), called("Read"), asked(injected))).prompt == "go"


def test_what_a_person_says_around_a_reminder_is_kept():
    assert without_injections("do <system-reminder>x</system-reminder> this") == "do  this"


def test_the_digest_ignores_how_the_answer_is_to_be_sent(body):
    streamed, whole = view_of(body()), view_of(body(stream=False, max_tokens=5))
    assert streamed.digest == whole.digest
    assert streamed.digest != view_of(body(model="another")).digest


def test_tools_stream_flag_and_retry_header_are_read(body):
    view = view_of(body(), **{"x-stainless-retry-count": "2"})
    assert (view.tools, view.stream, view.retry) == (frozenset({"Read", "StructuredOutput"}), True, 2)
    assert view_of(body(stream=False), **{"x-stainless-retry-count": "x"}).retry == 0


def test_input_tokens_grow_with_what_is_sent(body):
    assert view_of(body(asked("x" * 4000))).input_tokens >= view_of(body(asked("x"))).input_tokens + 990


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"messages": 1}', b"\xff"])
def test_a_body_that_is_no_request_is_refused(data):
    with pytest.raises(BadRequestError):
        read_request(data, headers={})


def test_odd_shapes_inside_a_request_are_survived(body):
    odd = [{"role": "user", "content": ["x", {"type": "text"}, None]}, "no message", {"role": "user"}]
    assert view_of(body(*odd, tools=["x"])).prompt == ""
