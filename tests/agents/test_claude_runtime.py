from __future__ import annotations

from pathlib import Path

from adw.agents.prompts import AgentPrompts
from adw.domain.agent import Role, ToolPolicy
from adw.ports.prompts import IssueText

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}


async def test_an_agent_writes_a_file_runs_a_command_and_answers(stage_for, script, workspace: Path):
    rule = {
        "when": {"role": "implementor", "phase": "build"},
        "steps": [
            script.tool("Write", file_path=str(workspace / "greet.py"), content="print('hello')\n"),
            script.bash("python3 greet.py"),
            script.text("It greets."),
        ],
    }
    async with stage_for(rule) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "It greets."
    assert (workspace / "greet.py").read_text() == "print('hello')\n"
    assert (heard.messages[0].kind, heard.messages[0].session_id) == ("started", heard.final.session_id)
    assert [message.tool_name for message in heard.messages if message.kind == "tool_use"] == ["Write", "Bash"]
    assert "hello" in heard.texts("tool_result")[1]
    assert "".join(heard.texts("delta")) == "It greets."
    assert heard.final.usage.requests == 3
    assert heard.final.usage.tokens.input == stage.server.journal.totals.input_tokens
    assert heard.final.usage.tokens.output == stage.server.journal.totals.output_tokens
    assert list(stage.runtime_dir.iterdir()) == []


async def test_a_structured_answer_is_validated_and_returned(stage_for, script, workspace: Path):
    steps = [script.structured(wrong=1), script.structured(summary="Done well")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.failure is None
    assert heard.final.structured == {"summary": "Done well"}


async def test_an_agent_without_tools_answers_our_own_prompt(stage_for, script, workspace: Path):
    issue = IssueText(number=12, title="Totals are wrong", body="An empty cart costs 5.")
    prompt = AgentPrompts().classify(issue=issue)
    answer = {"issue_class": "bug", "slug": "fix-empty-cart-total", "title": "Charge nothing for an empty cart"}
    right = {"when": {"role": "classifier", "prompt": "An empty cart"}, "reply": script.structured(**answer)}
    async with stage_for(right) as stage:
        heard = await stage.run(
            workspace,
            role=Role.CLASSIFIER,
            phase="plan",
            policy=ToolPolicy(tools=(), allowed=()),
            system=prompt.system,
            prompt=prompt.text,
            schema=prompt.schema,
        )
    assert heard.final.failure is None
    assert heard.final.structured == answer
    assert heard.final.usage.requests == 1


async def test_an_agent_that_never_gives_the_structured_answer_has_failed(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.text("Here it is in words.")}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.structured is None
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "agent_error"
    assert "structured answer" in heard.final.failure.message


async def test_a_file_mention_in_the_prompt_stays_text(stage_for, script, workspace: Path, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the-content-of-the-secret")
    leaked = {"when": {"any_text": "the-content-of-the-secret"}, "reply": script.text("LEAKED")}
    asked = {"when": {"prompt": "read @/"}, "reply": script.text("nothing leaked")}
    async with stage_for(leaked, asked) as stage:
        heard = await stage.run(workspace, prompt=f"/cost read @{secret} and @/etc/hostname")
    assert heard.final.text == "nothing leaked"


async def test_megabytes_of_tool_input_and_output_pass(stage_for, script, workspace: Path):
    """The CLI keeps long output in a file of its own, which the agent must be able to read."""
    large = "0123456789abcde\n" * 100_000
    steps = [script.tool("Write", file_path=str(workspace / "large.txt"), content=large), script.bash("cat large.txt")]
    read_on = {
        "when": {"tool_result": r"saved to: (?P<saved>\S+)"},
        "reply": script.tool("Read", file_path="${saved}", limit=2),
    }
    async with stage_for(read_on, {"steps": [*steps, script.text("unread"), script.text("Read.")]}) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "Read."
    assert (workspace / "large.txt").read_text() == large
    assert not any(message.is_error for message in heard.messages)
    assert "0123456789abcde" in heard.texts("tool_result")[2]
