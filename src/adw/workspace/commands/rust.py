"""Rust projects: built, linted and tested by cargo; by nextest where the project and the machine have it."""

from __future__ import annotations

import re

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree, table

SETUP_TIMEOUT_S = 1200.0
TEST_TIMEOUT_S = 1800.0
CHECK_TIMEOUT_S = 1800.0

_NEXTEST_FILE = ".config/nextest.toml"
_PLAIN = re.compile(r"\w[\w.-]*")
# Whatever the machine's settings are: the headings of the test binaries are what their results are told apart by.
_READABLE = "CARGO_TERM_QUIET=false CARGO_TERM_COLOR=never"


def rust_commands(tree: Tree, *, has_nextest: bool) -> CommandSet:
    """The commands of a Rust project; empty when there is no `Cargo.toml`."""
    if not tree.has("Cargo.toml"):
        return CommandSet()
    manifest = tree.toml("Cargo.toml")
    everything = _everything(manifest)
    return CommandSet(
        setup=_setup(tree),
        build=Command(line=f"cargo build --quiet{everything}", origin="Cargo.toml", timeout_s=CHECK_TIMEOUT_S),
        lint=_lint(tree, manifest, everything),
        test=_nextest(tree, everything) if has_nextest and all(_profile(tree)) else _test(everything),
    )


def _everything(manifest: dict[str, object]) -> str:
    """Makes cargo look at all members of a workspace, unless the project says which ones it wants."""
    workspace = table(manifest, "workspace")
    return " --workspace" if "workspace" in manifest and "default-members" not in workspace else ""


def _setup(tree: Tree) -> Command | None:
    """Downloads what the lock file says. Without one there is nothing to follow: the build finds what it needs."""
    if not tree.has("Cargo.lock"):
        return None
    return Command(line="cargo fetch", origin="Cargo.lock", timeout_s=SETUP_TIMEOUT_S)


def _lint(tree: Tree, manifest: dict[str, object], everything: str) -> Command | None:
    """Clippy, where the project says what it wants of it: not every toolchain has it."""
    tables = {"[lints.clippy]": ("lints",), "[workspace.lints.clippy]": ("workspace", "lints")}
    settings = tree.first("clippy.toml", ".clippy.toml") or next(
        (name for name, path in tables.items() if "clippy" in table(manifest, *path)), None
    )
    if settings is None:
        return None
    return Command(
        line=f"cargo clippy --quiet --all-targets{everything}",
        origin=f"clippy: configured in {settings}",
        timeout_s=CHECK_TIMEOUT_S,
    )


def _test(everything: str) -> Command:
    line = f"{{report_args}} cargo test --no-fail-fast{everything}"
    return Command(
        line=line,
        origin="Cargo.toml",
        timeout_s=TEST_TIMEOUT_S,
        format=ReportFormat.CARGO,
        report_args=_READABLE,
        rerun=f"{line} {{libtest}}",
    )


def _nextest(tree: Tree, everything: str) -> Command:
    profile, path = _profile(tree)
    line = f"cargo nextest run --no-fail-fast --profile {profile}{everything}"
    return Command(
        line=line,
        origin=f"nextest: {_NEXTEST_FILE}",
        timeout_s=TEST_TIMEOUT_S,
        format=ReportFormat.CARGO,
        report=f"target/nextest/{profile}/{path}",
        rerun=f"{line} -E {{nextest}}",
    )


def _profile(tree: Tree) -> tuple[str, str]:
    """The first profile that writes a report, and where; empty names where there is none."""
    for name, profile in table(tree.toml(_NEXTEST_FILE), "profile").items():
        path = table(profile, "junit").get("path")
        if isinstance(path, str) and _PLAIN.fullmatch(name) and _PLAIN.fullmatch(path):
            return name, path
    return "", ""
