"""What an agent cannot reach: files beyond its policy, our secrets, a person's home."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw.domain.agent import ToolPolicy

PLANTED = ("DATABASE_URL", "ANTHROPIC_AUTH_TOKEN", "GITHUB_TOKEN", "ADW_API_TOKEN", "R2_SECRET_ACCESS_KEY")


async def test_writes_are_refused_beyond_the_policy_and_beyond_the_workspace(
    stage_for, script, workspace: Path, tmp_path: Path
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (workspace / "link").symlink_to(outside)
    (workspace / "loop").symlink_to("loop")  # the policy cannot resolve this one and raises
    steps = [
        script.tool("Write", file_path=str(workspace / "src.py"), content="no"),
        script.tool("Write", file_path=str(outside / "x.md"), content="no"),
        script.tool("Write", file_path=str(workspace / "link" / "x.md"), content="no"),
        script.tool("Read", file_path="/etc/passwd"),
        script.tool("Glob", pattern=str(workspace / "loop" / "*")),
        script.tool("Write", file_path=str(workspace / "specs" / "plan.md"), content="yes"),
        script.text("Planned."),
    ]
    tools = ("Read", "Glob", "Write")
    policy = ToolPolicy(tools=tools, allowed=tools, writable=("specs/*.md", "link/**"))
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace, policy=policy)
    results = [message for message in heard.messages if message.kind == "tool_result"]
    assert [result.is_error for result in results] == [True, True, True, True, True, False]
    assert "allowed: specs/*.md" in results[0].text
    assert "outside the workspace" in results[1].text
    assert "outside the workspace" in results[2].text
    assert "outside the workspace" in results[3].text
    assert "blocking" in results[4].text, "a check that cannot be made refuses the call"
    assert [path.name for path in (workspace / "specs").iterdir()] == ["plan.md"]
    assert (workspace / "specs" / "plan.md").read_text() == "yes"
    assert not (workspace / "src.py").exists()
    assert list(outside.iterdir()) == []
    assert heard.final.text == "Planned."


async def test_the_agent_sees_none_of_our_variables_and_a_home_of_its_own(
    stage_for, script, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    home = tmp_path / "person"
    (home / ".claude").mkdir(parents=True)
    (home / ".claude" / "CLAUDE.md").write_text("a person's own memory")
    monkeypatch.setenv("HOME", str(home))
    for name in PLANTED:
        monkeypatch.setenv(name, f"planted-{name}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted-real-key")
    monkeypatch.setenv("IS_SANDBOX", "1")
    leaked = {"when": {"any_text": "a person's own memory"}, "reply": script.text("LEAKED")}
    async with stage_for(leaked, {"steps": [script.bash("env"), script.text("Seen.")]}) as stage:
        heard = await stage.run(workspace, env={"ADW_BACKEND_PORT": "9101", "ANTHROPIC_BASE_URL": "http://evil"})
    seen = heard.texts("tool_result")[0]
    assert "planted" not in seen
    assert "IS_SANDBOX" not in seen
    assert str(home) not in seen
    assert "ADW_BACKEND_PORT=9101" in seen
    assert "ANTHROPIC_API_KEY=run-token-of-a-test" in seen
    assert heard.final.text == "Seen."
