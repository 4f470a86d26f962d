from __future__ import annotations

import pytest

from adw.workspace.git.generated import generated_paths


@pytest.mark.parametrize(
    ("names", "globs"),
    [
        (["Cargo.toml", "src/main.rs"], ("Cargo.lock", "target/**")),
        (["Cargo.toml", "Cargo.lock"], ("target/**",)),
        (["core/pom.xml", "pom.xml"], ("core/target/**", "target/**")),
        (["app/build.gradle.kts", "settings.gradle.kts"], ("app/build/**",)),
        (["pom.xml", "target/kept.txt"], ()),
        (["build/main.py", "target/x.c"], ()),
        (["a[1]/pom.xml"], ("a[[]1]/target/**",)),
        ([], ()),
    ],
)
def test_outputs_are_left_out_beside_what_makes_a_tool_write_them(names, globs):
    assert generated_paths(names) == globs


async def test_what_a_build_writes_is_not_committed_though_no_rule_of_the_project_ignores_it(world) -> None:
    base_sha = world.person.commit({"core/pom.xml": "<project/>", "target/a.txt": "source\n"})
    workspace = await world.workspaces.prepare(world.spec(base_sha=base_sha))
    head = await workspace.head()
    for name in ("core/target/classes/a.class", "target/a.txt", "core/src/a.java"):
        path = workspace.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new\n")
    await workspace.commit_all(message="Build")
    changed = await workspace.changed_files(since=head, until=await workspace.head())
    assert [each.path for each in changed] == ["core/src/a.java", "target/a.txt"]
