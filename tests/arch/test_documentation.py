"""What the code defines, the reference pages name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from adw.domain.config import ProjectConfig
from adw.domain.events import EventType
from adw.domain.failure import FailureClass
from adw.domain.kinds import KINDS
from adw.domain.status import TRANSITIONS, Status
from adw.kit import errors
from adw.kit.settings import read_settings
from adw.kit.variables import VARIABLES
from adw.store.tables.catalogue import metadata

DEFINED = {
    "settings.md": [variable.name for variable in VARIABLES],
    "../../.env.sample": [variable.name for variable in VARIABLES],
    "events.md": list(EventType),
    "failures.md": list(FailureClass),
    "statuses.md": [*Status, *KINDS],
    "database.md": list(metadata.tables),
    "adw-toml.md": list(ProjectConfig.model_fields),
    "errors.md": [each.code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "code")],
}


def test_the_generated_pages_are_current(root: Path):
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run: .venv/bin/python docs/generate.py"


@pytest.mark.parametrize("page", DEFINED)
def test_a_page_names_everything_that_is_defined(root: Path, page: str):
    text = (root / "docs/reference" / page).read_text()
    assert [name for name in DEFINED[page] if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)] == []


def test_every_move_between_statuses_is_in_the_table(root: Path):
    text = (root / "docs/reference/statuses.md").read_text()
    for status, targets in TRANSITIONS.items():
        [row] = re.findall(rf"^\| `{status}` \|(.*)\|$", text, re.MULTILINE)
        assert {name.strip(" `") for name in row.split(",")} - {""} == {str(target) for target in targets}


def test_the_sample_of_settings_can_be_used_as_it_stands(root: Path, tmp_path: Path):
    sample = (root / ".env.sample").read_text()
    used = tmp_path / "used.env"
    used.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", sample, flags=re.MULTILINE))
    settings = read_settings({"HOME": str(tmp_path)}, data_dir=tmp_path, env_file=used)
    assert {name for name, origin in settings.origins.items() if origin != str(used)} == set()


def test_every_link_between_pages_leads_somewhere(root: Path):
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(root)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_reached_from_the_index(root: Path):
    index = (root / "docs/README.md").read_text()
    pages = [page.relative_to(root / "docs") for page in (root / "docs").rglob("*.md")]
    assert [str(page) for page in pages if str(page) != "README.md" and f"({page})" not in index] == []


def test_every_code_of_a_problem_is_documented(root: Path):
    source = "".join(path.read_text() for path in (root / "src/adw/api").rglob("*.py"))
    codes = set(re.findall(r'code="(\w+)"', source)) | set(re.findall(r'\d{3}: \("(\w+)"', source))
    page = (root / "docs/reference/errors.md").read_text()
    assert codes
    assert {code for code in codes if f"`{code}`" not in page} == set()
