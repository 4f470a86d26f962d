from __future__ import annotations

import time

import pytest


@pytest.mark.slow
async def test_twenty_thousand_files_are_handled_in_reasonable_time(world) -> None:
    for number in range(200):
        folder = world.person.path / "src" / f"package{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            (folder / f"module{file}.py").write_text(f"VALUE = {number * 100 + file}\n" * 20)
    base = world.person.commit({})
    started_at = time.monotonic()
    workspace = await world.workspaces.prepare(world.spec(base_sha=base))
    prepared_s = time.monotonic() - started_at
    started_at = time.monotonic()
    (workspace.path / "src" / "package7" / "module7.py").write_text("VALUE = None\n")
    (workspace.path / "new.py").write_text("VALUE = None\n")
    assert await workspace.status() == "?? new.py\n M src/package7/module7.py\n"
    sha = await workspace.commit_all(message="x")
    await workspace.reset(base)
    await workspace.restore(str(sha))
    worked_s = time.monotonic() - started_at
    assert prepared_s < 30, prepared_s
    assert worked_s < 20, worked_s
