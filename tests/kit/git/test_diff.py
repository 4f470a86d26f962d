from __future__ import annotations

from adw.kit.git import Git, unified_diff


async def test_it_is_what_the_head_changes_since_it_left_its_base(person) -> None:
    start = person.git("rev-parse", "HEAD")
    person.git("checkout", "-q", "-b", "work")
    head = person.commit({"new file.txt": "täglich\n"})
    person.git("checkout", "-q", "main")
    moved = person.commit({"other.txt": "x\n"})
    git = Git(git_dir=person.path / ".git")
    for base in (start, moved):
        text = await unified_diff(git, base=base, head=head)
        assert "+täglich" in text
        assert "other.txt" not in text
    assert await unified_diff(git, base=head, head=head) == ""


async def test_commits_without_a_common_past_are_compared_as_they_are(person) -> None:
    base = person.git("rev-parse", "HEAD")
    person.git("checkout", "-q", "--orphan", "apart")
    head = person.commit({"apart.txt": "x\n"})
    text = await unified_diff(Git(git_dir=person.path / ".git"), base=base, head=head)
    assert "+++ b/apart.txt" in text


async def test_nothing_the_repository_contains_runs_or_rewrites_it(person, tmp_path) -> None:
    base = person.git("rev-parse", "HEAD")
    ran = tmp_path / "ran"
    head = person.commit({".gitattributes": "*.txt diff=evil\n", "x.txt": "\x1b[31mred\n"})
    for name, value in {
        "diff.evil.command": f"touch {ran}",
        "diff.evil.textconv": f"touch {ran};:",
        "diff.external": f"touch {ran}",
        "diff.noprefix": "true",
        "color.ui": "always",
    }.items():
        person.git("config", name, value)
    text = await unified_diff(Git(git_dir=person.path / ".git"), base=base, head=head)
    assert "+++ b/x.txt" in text
    assert "\x1b[31mred" in text
    assert not ran.exists()
