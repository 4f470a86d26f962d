from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adw.domain.config import CommandsConfig, parse_config
from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.detect import choose_commands
from adw.workspace.commands.tree import Tree, read_tree


def tree(files: Mapping[str, str]) -> Tree:
    return Tree(files=frozenset(files), texts=dict(files))


def detect(files: Mapping[str, str], *, config: str = "", has_uv: bool = False) -> CommandSet:
    return choose_commands(tree(files), parse_config(config, source="adw.toml").commands, has_uv=has_uv)


def package(**content: Any) -> dict[str, str]:
    return {"package.json": json.dumps(content)}


def line(command: Command | None) -> str:
    assert command is not None
    return command.line


def test_an_empty_project_has_no_commands_and_above_all_no_passing_tests():
    assert detect({"README.md": ""}) == CommandSet()


def test_test_files_are_enough_for_pytest_in_an_environment_of_the_projects_own():
    found = detect({"calc.py": "", "test_calc.py": ""})
    assert found.test is not None
    assert (found.test.format, found.test.report) == (ReportFormat.JUNIT, "{report}")
    assert found.test.shown == ".venv/bin/python -m pytest"
    assert found.test.origin == "pytest: test files such as test_calc.py"
    assert "python3 -m venv .venv" in line(found.setup)
    assert line(found.setup).endswith("pip install --disable-pip-version-check -q pytest")


def test_a_python_project_without_tests_has_no_test_command():
    found = detect({"pyproject.toml": "[project]\nname = 'x'", "x.py": ""})
    assert found.test is None
    assert found.setup is not None


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        (
            "[build-system]\nrequires = []\n[project.optional-dependencies]\ntest = ['a']\ndocs = ['b']",
            "-e '.[test]' pytest",
        ),
        ("[build-system]\nrequires = []", "-e . pytest"),
        (
            "[project]\ndependencies = ['six>=1', 'idna']\n[project.optional-dependencies]\ndev = ['iniconfig']",
            "'six>=1' idna iniconfig pytest",
        ),
        (
            "[dependency-groups]\ntest = ['pytest>8', {include-group = 'b'}]\nb = ['idna', {include-group = 'test'}]",
            "'pytest>8' idna pytest",
        ),
        ("[tool.poetry.group.dev.dependencies]\nblack = '^1'\n[build-system]\nrequires = []", "-e . black pytest"),
        ("not toml", "pytest"),
        ("[dependency-groups]\ntest = 3\n[project]\ndependencies = 'x'", "pytest"),
    ],
)
def test_pip_installs_what_the_project_names_for_its_tests(pyproject: str, expected: str):
    setup = line(detect({"pyproject.toml": pyproject, "tests/test_a.py": ""}).setup)
    assert setup.endswith(f" -q {expected}")


def test_requirement_files_are_installed():
    found = detect({"requirements.txt": "six", "requirements-dev.txt": "idna", "a_test.py": ""})
    assert line(found.setup).endswith("-r requirements.txt -r requirements-dev.txt pytest")


@pytest.mark.parametrize(
    ("has_uv", "expected"),
    [
        (True, "uv sync --frozen --extra test --group tests && uv pip install -q --python .venv/bin/python pytest"),
        (False, ".venv/bin/uv sync --frozen --extra test --group tests --inexact && "),
    ],
)
def test_a_lock_file_of_uv_is_followed_with_or_without_uv_on_the_machine(has_uv: bool, expected: str):
    pyproject = "[project.optional-dependencies]\ntest = []\n[dependency-groups]\ndev = []\ntests = []"
    assert expected in line(detect({"uv.lock": "", "pyproject.toml": pyproject}, has_uv=has_uv).setup)


def test_pytest_is_not_added_to_a_lock_file_that_has_it():
    pyproject = "[dependency-groups]\ndev = ['pytest>=8']"
    assert line(detect({"uv.lock": "", "pyproject.toml": pyproject}, has_uv=True).setup) == "uv sync --frozen"


@pytest.mark.parametrize(("has_uv", "start"), [(True, "{ uv venv"), (False, "(.venv/bin/python -m pip")])
def test_without_a_lock_file_uv_only_installs(has_uv: bool, start: str):
    found = detect({"pyproject.toml": "[tool.uv]\ndev-dependencies = ['idna']", "test_a.py": ""}, has_uv=has_uv)
    assert line(found.setup).startswith(start)
    assert " idna pytest" in line(found.setup)


def test_ruff_lints_where_the_project_requires_and_configures_it():
    pyproject = "[tool.ruff]\nline-length = 100\n[dependency-groups]\ndev = ['ruff>=0.5']"
    assert "-m ruff check" in line(detect({"pyproject.toml": pyproject}).lint)
    assert detect({"pyproject.toml": "[tool.ruff]\nline-length = 100"}).lint is None
    assert detect({"pyproject.toml": "[dependency-groups]\ndev = ['ruff']"}).lint is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"package-lock.json": ""}, "npm ci --no-audit --no-fund"),
        ({}, "npm install --no-package-lock --no-audit --no-fund"),
        ({"pnpm-lock.yaml": ""}, "pnpm install --frozen-lockfile"),
        ({"yarn.lock": ""}, "yarn install --frozen-lockfile"),
        ({"yarn.lock": "", ".yarnrc.yml": ""}, "yarn install --immutable"),
    ],
)
def test_the_lock_file_names_the_package_manager(files: dict[str, str], expected: str):
    assert line(detect({**package(dependencies={"a": "1"}), **files}).setup) == expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("pnpm@9.1.0", "pnpm install --no-lockfile"),
        ("yarn@1.22.0", "yarn install --no-lockfile"),
        ("yarn@4.0.0", "yarn install"),
    ],
)
def test_the_package_manager_may_be_named(named: str, expected: str):
    assert line(detect(package(packageManager=named, dependencies={"a": "1"})).setup) == expected


def test_a_node_project_without_dependencies_needs_no_setup():
    assert detect(package(scripts={"test": "node --test"})).setup is None


@pytest.mark.parametrize(
    ("script", "manager", "shown", "report_format"),
    [
        ("vitest", "npm", "npm test", ReportFormat.JUNIT),
        ("tsc && vitest run", "pnpm", "pnpm test", ReportFormat.JUNIT),
        ("cross-env A=1 jest --silent", "yarn", "yarn test", ReportFormat.JEST_JSON),
        ("react-scripts test", "npm", "npm test", ReportFormat.JEST_JSON),
        ("node --import tsx --test 'src/**/*.test.ts'", "npm", "npm test", ReportFormat.JUNIT),
        ("mocha", "npm", "npm test", ReportFormat.EXIT_CODE),
        ("vitest run && echo done", "npm", "npm test", ReportFormat.EXIT_CODE),
    ],
)
def test_the_runner_is_read_from_the_test_script(script: str, manager: str, shown: str, report_format: ReportFormat):
    found = detect(package(scripts={"test": script}, packageManager=f"{manager}@9.0.0")).test
    assert found is not None
    assert (found.shown, found.format) == (shown, report_format)
    assert (found.report is None) == (report_format is ReportFormat.EXIT_CODE)


@pytest.mark.parametrize("script", ["", "vitest run && echo done", 'echo "Error: no test specified" && exit 1'])
def test_a_runner_among_the_dependencies_is_called_directly_where_no_argument_can_follow(script: str):
    found = detect(package(scripts={"test": script}, devDependencies={"vitest": "5"})).test
    assert found is not None
    assert found.shown == "node_modules/.bin/vitest"


def test_the_placeholder_script_of_npm_is_no_test():
    assert detect(package(scripts={"test": 'echo "Error: no test specified" && exit 1'})).test is None


def test_scripts_build_lint_and_serve():
    found = detect(package(scripts={"build": "tsc", "lint": "eslint .", "test:e2e": "playwright test", "dev": "vite"}))
    assert [line(found.build), line(found.lint), line(found.e2e), line(found.run)] == [
        "npm run build",
        "npm run lint",
        "npm run test:e2e",
        "npm run dev",
    ]


@pytest.mark.parametrize("text", ["[]", "{", '{"scripts": 3}', '{"scripts": {"test": 3}, "packageManager": 4}'])
def test_a_strange_package_json_breaks_nothing(text: str):
    detect({"package.json": text})


def test_make_is_used_for_what_nothing_else_offers():
    makefile = "CC := gcc\ntest: build\n\tprove\nbuild:\n\tcc\nsetup :\n\tx\n"
    found = detect({"Makefile": makefile})
    assert [line(found.setup), line(found.build), line(found.test)] == ["make setup", "make build", "make test"]
    assert found.lint is None
    assert found.test is not None
    assert found.test.format is ReportFormat.EXIT_CODE
    mixed = detect({"Makefile": makefile, "tests/test_a.py": ""})
    assert ("pytest" in line(mixed.test), line(mixed.build)) == (True, "make build")


CARGO = "CARGO_TERM_QUIET=false CARGO_TERM_COLOR=never cargo test --no-fail-fast"
GRADLE = "gradle --no-daemon --console=plain --continue"


@pytest.mark.parametrize(
    ("marker", "build", "lint", "test", "report_format"),
    [
        ("Cargo.toml", "cargo build --quiet", None, "cargo test --no-fail-fast", ReportFormat.CARGO),
        ("go.mod", "go build -o /dev/null ./...", "go vet ./...", "go test -count=1 ./...", ReportFormat.GO_JSON),
        (
            "pom.xml",
            "mvn -B -q compile",
            None,
            "mvn -B -fae -Dmaven.test.failure.ignore=true test",
            ReportFormat.MAVEN,
        ),
        *(
            (marker, f"{GRADLE} classes", None, f"{GRADLE} --no-build-cache cleanTest test", ReportFormat.GRADLE)
            for marker in ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
        ),
    ],
)
def test_other_languages_are_known_by_their_files(
    marker: str, build: str, lint: str | None, test: str, report_format: ReportFormat
):
    found = detect({marker: ""})
    assert found.setup is None
    assert line(found.build) == build
    assert (found.lint and found.lint.line) == lint
    assert found.test is not None
    assert (found.test.shown, found.test.format) == (test, report_format)
    assert found.test.rerun is not None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"build.gradle": "", "gradlew": ""}, "./gradlew "),
        ({"pom.xml": "", "mvnw": ""}, "./mvnw "),
    ],
)
def test_a_wrapper_is_preferred(files: dict[str, str], expected: str):
    found = detect(files)
    assert (line(found.build)[: len(expected)], line(found.test)[: len(expected)]) == (expected, expected)


def test_lock_files_are_downloaded_before_anything_is_built():
    assert line(detect({"Cargo.toml": "", "Cargo.lock": ""}).setup) == "cargo fetch"
    assert line(detect({"go.mod": "", "go.sum": ""}).setup) == "test -d vendor || go mod download"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("[package]\nname = 'a'", "cargo build --quiet"),
        ("[workspace]\nmembers = ['a']", "cargo build --quiet --workspace"),
        ("[workspace]\nmembers = ['a', 'b']\ndefault-members = ['a']", "cargo build --quiet"),
        ("not toml", "cargo build --quiet"),
    ],
)
def test_all_members_of_a_rust_workspace_are_built_unless_it_says_which(manifest: str, expected: str):
    assert line(detect({"Cargo.toml": manifest}).build) == expected


def test_clippy_lints_where_the_project_says_what_it_wants_of_it():
    expected = "cargo clippy --quiet --all-targets"
    assert line(detect({"Cargo.toml": "", "clippy.toml": ""}).lint) == expected
    assert line(detect({"Cargo.toml": "[lints.clippy]\nall = 'deny'"}).lint) == expected
    workspace = detect({"Cargo.toml": "[workspace.lints.clippy]\nall = 'deny'"}).lint
    assert line(workspace) == f"{expected} --workspace"


NEXTEST = ".config/nextest.toml"


@pytest.mark.parametrize(
    ("settings", "has_nextest", "expected"),
    [
        ("[profile.ci.junit]\npath = 'junit.xml'", True, "target/nextest/ci/junit.xml"),
        ("[profile.ci.junit]\npath = 'junit.xml'", False, None),
        ("[profile.default]\nretries = 2", True, None),
        ("[profile.'x; rm'.junit]\npath = 'junit.xml'", True, None),
        ("[profile.ci.junit]\npath = '/tmp/x.xml'", True, None),
        ("not toml", True, None),
    ],
)
def test_nextest_is_used_where_it_is_installed_and_told_to_report(
    settings: str, has_nextest: bool, expected: str | None
):
    files = tree({"Cargo.toml": "", NEXTEST: settings})
    found = choose_commands(files, CommandsConfig(), has_uv=False, has_nextest=has_nextest).test
    assert found is not None
    assert (found.report, "nextest" in found.line) == (expected, expected is not None)


def test_a_hidden_settings_file_is_seen(tmp_path: Path):
    (tmp_path / ".config").mkdir()
    (tmp_path / NEXTEST).write_text("a = 1")
    assert read_tree(tmp_path).toml(NEXTEST) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go 1.21\n\nuse (\n\t./api // the server\n\t./tool/\n)\n", "./api/... ./tool/..."),
        ("use .\nuse ./api\n", "./... ./api/..."),
        ("use ../elsewhere\nuse ./$(x)\n", "./..."),
        ("", "./..."),
    ],
)
def test_all_modules_of_a_go_workspace_are_tested(text: str, expected: str):
    assert line(detect({"go.work": text}).lint) == f"go vet {expected}"


def test_integration_tests_of_maven_are_its_end_to_end_tests():
    found = detect({"pom.xml": "<artifactId>maven-failsafe-plugin</artifactId>"}).e2e
    assert found is not None
    assert found.line.endswith(" verify")
    assert found.report == "**/target/failsafe-reports/TEST-*.xml"


def test_android_has_no_one_task_that_forgets_results():
    found = detect({"settings.gradle": "", "build.gradle.kts": 'id("com.android.application")'})
    assert line(found.test).endswith(" --rerun-tasks test")
    assert line(found.build).endswith(" assemble")


def test_a_project_in_two_languages_is_set_up_for_both():
    found = detect({**package(dependencies={"a": "1"}), "test_a.py": ""})
    assert "pip install" in line(found.setup)
    assert line(found.setup).endswith(" && npm install --no-package-lock --no-audit --no-fund")


def test_what_is_configured_wins_and_false_means_none():
    config = """
        [commands]
        test = { run = "tox", junit = "out/*.xml", timeout_s = 5, cwd = "api", rerun = "tox -- {id}" }
        setup = false
        lint = "x {report}"
    """
    found = detect({"test_a.py": "", "Makefile": "build:\n"}, config=config)
    assert found.setup is None
    assert found.test == Command(
        line="tox",
        origin="[commands] test in adw.toml",
        timeout_s=5.0,
        cwd="api",
        format=ReportFormat.JUNIT,
        report="out/*.xml",
        rerun="tox -- {id}",
    )
    assert found.lint is not None
    assert found.lint.report == "{report}"
    assert line(found.build) == "make build"


def test_a_tree_leaves_out_what_tools_install_and_follows_no_links(tmp_path: Path):
    for path in ["src/a.py", "node_modules/b/c.js", ".venv/lib/test_x.py", ".hidden", "requirements/dev.txt"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "secret.toml").symlink_to("/etc/passwd")
    (tmp_path / "image.png").write_bytes(b"\x89\xff")
    found = read_tree(tmp_path)
    assert found.files == {"src/a.py", ".hidden", "requirements/dev.txt", "secret.toml", "image.png"}
    assert found.texts == {".hidden": ".hidden", "requirements/dev.txt": "requirements/dev.txt"}


def test_nothing_configured_and_nothing_found_is_an_empty_set(tmp_path: Path):
    assert choose_commands(read_tree(tmp_path), CommandsConfig(), has_uv=True) == CommandSet()
