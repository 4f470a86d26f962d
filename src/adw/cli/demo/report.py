"""What came of the demonstration, read back from the API and from git, and whether that is what was promised."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adw.cli.output import dollars, duration
from adw.domain.phase import GateOutcome
from adw.domain.status import Status

if TYPE_CHECKING:
    from adw.client.types import PullDict, TestCountsDict, WorkflowDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit on the base branch."""

    sha: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that was found. `commits` are what the base branch gained, oldest first."""

    view: WorkflowDict
    pull: PullDict | None
    commits: Sequence[Commit]
    changed_files: Sequence[str]
    branches: Sequence[str]
    """All branches the repository has afterwards."""
    duration_ms: int

    def problems(self) -> list[str]:
        """What was promised and is not so; empty when the demonstration succeeded."""
        tests = self.view["tests"]
        built, final = tests["afterBuild"], tests["final"]
        checks = (
            (self.view["status"] == Status.COMPLETED, f"the workflow is {self.view['status']}, not completed"),
            (self.pull is not None, "there is no pull request"),
            (self.pull is None or self.pull["state"] == "merged", "the pull request is not merged"),
            (built is not None and built["failed"] > 0, "no test failed after the build, so nothing was repaired"),
            (final is not None and final["failed"] == 0, "the last test run is not free of failures"),
            (self.view["reviewRounds"] > 1, "the review found nothing to put right, or was not repeated"),
            (not _open_blockers(self.view), "the review did not end well"),
            (self._is_merge_in_git(), "the base branch in git does not end at the commit of the merge"),
            (self.view["branchName"] not in self.branches, "the branch of the work was not removed after the merge"),
        )
        return [sentence for is_so, sentence in checks if not is_so]

    def as_json(self, *, repo: Path | None, data_dir: Path | None) -> dict[str, Any]:
        """The document of `adw demo --json`; the folders are null when they were removed."""
        view, tests = self.view, self.view["tests"]
        return {
            "status": view["status"],
            "verified": not self.problems(),
            "problems": self.problems(),
            "phases": view["phases"],
            "tests": {
                "before": _counts(tests["before"]),
                "afterBuild": _counts(tests["afterBuild"]),
                "final": _counts(tests["final"]),
            },
            "reviewRounds": view["reviewRounds"],
            "usage": view["usage"],
            "prNumber": view["prNumber"],
            "prState": None if self.pull is None else self.pull["state"],
            "mergeSha": view["mergeSha"],
            "branchName": view["branchName"],
            "commits": [{"sha": commit.sha, "subject": commit.subject} for commit in self.commits],
            "adwId": view["adwId"],
            "durationMs": self.duration_ms,
            "repo": None if repo is None else str(repo),
            "dataDir": None if data_dir is None else str(data_dir),
        }

    def lines(self) -> list[str]:
        """The summary for a person."""
        view, tests = self.view, self.view["tests"]
        used = view["usage"]
        pull = f"#{self.pull['number']} {self.pull['state']}: {self.pull['title']}" if self.pull else "none"
        return [
            f"issue     #{view['issueNumber']} {view['issueTitle']}",
            f"workflow  {view['adwId']} {view['status']} in {duration(self.duration_ms)}",
            "phases",
            *(
                f"  {phase['name']:<8} {phase['status']:<10} {duration(phase['durationMs']):>9}  "
                f"{dollars(phase['costUsd'])}"
                for phase in view["phases"]
            ),
            "tests",
            f"  before       {_tests(tests['before'])}",
            f"  after build  {_tests(tests['afterBuild'])}",
            f"  final        {_tests(tests['final'])}",
            f"reviews   {view['reviewRounds']}",
            f"model     {used['requests']} requests, {used['inputTokens']} tokens in, {used['outputTokens']} out",
            f"cost      {dollars(used['costUsd'])} at list price (scripted: nothing was charged)",
            f"merged    {(view['mergeSha'] or 'no')[:10]} on {view['baseBranch']}",
            *(f"  {commit.sha[:10]} {commit.subject}" for commit in self.commits),
            f"changed   {', '.join(self.changed_files) or 'nothing'}",
            f"pull      {pull}",
        ]

    def _is_merge_in_git(self) -> bool:
        return bool(self.commits) and self.commits[-1].sha == self.view["mergeSha"]


def read_commits(repo: Path, *, since: str, branch: str) -> list[Commit]:
    """What `branch` has gained since commit `since`, oldest first; empty when there is no such branch."""
    told = _git(repo, "log", "--reverse", "--format=%H%x09%s", f"{since}..refs/heads/{branch}")
    pairs = [line.partition("\t") for line in told.splitlines()]
    return [Commit(sha=sha, subject=subject) for sha, _, subject in pairs]


def read_changed_files(repo: Path, *, since: str, branch: str) -> list[str]:
    return _git(repo, "diff", "--name-only", f"{since}...refs/heads/{branch}").splitlines()


def read_branches(repo: Path) -> list[str]:
    return _git(repo, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()


def _git(repo: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _counts(found: TestCountsDict | None) -> dict[str, int] | None:
    return None if found is None else {"passed": found["passed"], "failed": found["failed"]}


def _open_blockers(view: WorkflowDict) -> bool:
    return any(gate["gate"] == "review" and gate["outcome"] != GateOutcome.PASSED for gate in view["gates"])


def _tests(found: TestCountsDict | None) -> str:
    return "not run" if found is None else f"{found['passed']} passed, {found['failed']} failed"
