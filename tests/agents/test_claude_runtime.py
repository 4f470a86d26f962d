from __future__ import annotations

from pathlib import Path


async def test_an_agent_writes_a_file_runs_a_command_and_answers(stage_for, script, workspace: Path):
    rule = {
        "steps": [
            script.tool("Write", file_path=str(workspace / "greet.py"), content="print('hello')\n"),
            script.bash("python3 greet.py"),
            script.text("It greets."),
        ]
    }
    async with stage_for(rule) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "It greets."
    assert (workspace / "greet.py").read_text() == "print('hello')\n"
    assert heard.messages[0].kind == "started"
    assert heard.messages[0].session_id == heard.final.session_id
    assert "hello" in heard.texts("tool_result")[1]
    assert "".join(heard.texts("delta")) == "It greets."
    assert heard.final.usage.requests == 3
    assert heard.final.usage.tokens.input > 0
    assert list(stage.runtime_dir.iterdir()) == []
