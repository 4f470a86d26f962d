from __future__ import annotations

from pathlib import Path

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}


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
