"""Build and lint commands: what the base does not complain about has to go, what it does blocks nobody."""

from __future__ import annotations

import pytest
from repositories import SETTINGS, make_repository
from script import BUILT, adds_farewell, answer, builds, classifies, plans, rule, scenario, shell

from adw.store import phases

pytestmark = pytest.mark.runtime("plain")

LINT = SETTINGS + 'lint = "sh lint.sh"\n'
FINDS_TABS = """
found=0
for file in *.txt; do
  if grep -q "$(printf '\\t')" "$file"; then
    echo "$file:1:1: error: has a tab"
    found=1
  fi
done
exit $found
"""
ADDS_TAB = shell("printf 'see\\tyou\\n' > parting.txt")
REMOVES_TAB = shell("printf 'see you\\n' > parting.txt")
COMPLAINS = "has a tab"


def repairs_the_build(*steps):
    """The implementor's second task: it is shown what the command said."""
    return rule("mend", *steps, answer(BUILT), role="implementor", prompt=COMPLAINS)


async def run(scene, script, folder, *, files=None):
    scene.model.follow(script)
    repository = make_repository(folder / "project", {"adw.toml": LINT, "lint.sh": FINDS_TABS} | (files or {}))
    return await scene.run(repository, "plan-build")


async def lint_results(scene, workflow):
    async with scene.foundation.database.read() as connection:
        rows = await phases.list_evidence(connection, workflow.adw_id)
    return [(row.evidence.outcome.value, row.evidence.summary) for row in rows if row.evidence.gate == "lint"]


async def test_new_errors_are_mended_by_the_implementor_before_the_build_counts(system, folder):
    script = scenario(classifies(), plans(), repairs_the_build(REMOVES_TAB), builds(adds_farewell(), ADDS_TAB))

    workflow = await run(system, script, folder)

    assert workflow.status == "completed", workflow.failure
    assert [outcome for outcome, _ in await lint_results(system, workflow)] == ["failed", "passed"]


async def test_new_errors_that_stay_fail_the_gate(system, folder):
    script = scenario(classifies(), plans(), repairs_the_build(shell("true")), builds(adds_farewell(), ADDS_TAB))

    workflow = await run(system, script, folder)

    assert (workflow.status, workflow.failure.failure_class) == ("failed", "gate_failed")
    assert "has new errors" in workflow.failure.message
    assert COMPLAINS in workflow.failure.message
    assert [outcome for outcome, _ in await lint_results(system, workflow)] == ["failed"]


async def test_errors_of_the_base_block_nobody(system, folder):
    script = scenario(classifies(), plans(), builds(adds_farewell()))

    workflow = await run(system, script, folder, files={"old.txt": "an\told file\n"})

    assert workflow.status == "completed", workflow.failure
    assert await lint_results(system, workflow) == [("passed", "`sh lint.sh` fails only as the base does")]
