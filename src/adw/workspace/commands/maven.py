"""Maven projects, one module or many: tests by Surefire, integration tests by Failsafe."""

from __future__ import annotations

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree

TIMEOUT_S = 1800.0

_FAILSAFE = "maven-failsafe-plugin"
# Every module is tested whatever another's tests say: the reports tell what failed.
_KEEP_GOING = "-fae -Dmaven.test.failure.ignore=true"
# In most modules there is no such test. The names of the setting in version 3 of Surefire, and before.
_ONE_TEST = "-Dsurefire.failIfNoSpecifiedTests=false -DfailIfNoTests=false"


def maven_commands(tree: Tree) -> CommandSet:
    """The commands of a Maven project; empty when there is no `pom.xml`."""
    if not tree.has("pom.xml"):
        return CommandSet()
    maven = "./mvnw" if tree.has("mvnw") else "mvn"
    unit = f"{maven} -B {_KEEP_GOING} test"
    return CommandSet(
        build=Command(line=f"{maven} -B -q compile", origin="pom.xml", timeout_s=TIMEOUT_S),
        test=Command(
            line=unit,
            origin="pom.xml",
            timeout_s=TIMEOUT_S,
            format=ReportFormat.MAVEN,
            report="**/target/surefire-reports/TEST-*.xml",
            rerun=f"{unit} {_ONE_TEST} -Dtest={{surefire}}",
        ),
        e2e=_integration(maven) if _FAILSAFE in tree.text("pom.xml") else None,
    )


def _integration(maven: str) -> Command:
    return Command(
        line=f"{maven} -B {_KEEP_GOING} verify",
        origin=f"pom.xml names {_FAILSAFE}",
        timeout_s=TIMEOUT_S,
        format=ReportFormat.MAVEN,
        report="**/target/failsafe-reports/TEST-*.xml",
    )
