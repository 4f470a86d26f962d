"""A candidate as the workflow it becomes: everything later legs rely on is settled here."""

from __future__ import annotations

from dataclasses import replace

from adw.domain.agent import ModelSet
from adw.domain.forge import Issue
from adw.domain.kinds import Phase
from adw.domain.naming import branch_name, slugify, title_of
from adw.domain.project import Project
from adw.domain.workflow import NewWorkflow
from adw.intake.candidate import Candidate
from adw.intake.earlier import Theirs
from adw.intake.request import WorkRequest, title_for
from adw.kit.ids import new_adw_id

UNPLANNED_CLASS = "chore"
"""What work is called that no classifier looks at."""


def new_workflow(candidate: Candidate, *, project: Project, issue: Issue | None, theirs: Theirs | None) -> NewWorkflow:
    """With its base commit, phases, words and choices; work that nobody plans gets its branch as well."""
    request, base, config = candidate.request, candidate.found.base, candidate.config
    title, body = _words(issue, request, theirs)
    new = NewWorkflow(
        adw_id=new_adw_id(),
        project_id=project.id,
        workflow_type=candidate.kind,
        phases=tuple(str(phase) for phase in candidate.phases),
        issue_number=None if issue is None else issue.number,
        issue_title=title,
        issue_body=body,
        base_branch=base.name,
        base_sha=base.sha,
        model_set=request.model_set or config.agents.model_set or ModelSet.BASE,
        budget_usd=candidate.budget_usd,
        priority=request.priority,
        depends_on=candidate.depends_on,
        project_limit=config.project.max_concurrent,
        open_pull_limit=config.project.max_open_pull_requests,
        options=request.options,
        trigger={**request.origin, "source": request.source, "actor": request.actor},
        idempotency_key=request.idempotency_key,
    )
    return new if Phase.PLAN in candidate.phases else _named(new, theirs)


def _words(issue: Issue | None, request: WorkRequest, theirs: Theirs | None) -> tuple[str, str]:
    """What the work is about: the issue, else the sentence, else the last commit of the branch it starts from."""
    if issue is not None:
        return issue.title, issue.body
    if request.text:
        return title_for(request.text), request.text
    assert theirs is not None  # noqa: S101 # without earlier work there is an issue
    return title_for(theirs.tip.message) or title_of(theirs.branch), theirs.tip.message


def _named(new: NewWorkflow, theirs: Theirs | None) -> NewWorkflow:
    """Work that nobody plans gets its branch at once; on a branch of somebody else it starts at that one's commit."""
    issue_class = UNPLANNED_CLASS
    slug = slugify(new.issue_title if theirs is None else theirs.branch)
    branch = branch_name(issue_class=issue_class, issue_number=new.issue_number, adw_id=new.adw_id, slug=slug)
    named = replace(new, issue_class=issue_class, branch_name=branch)
    if theirs is None:
        return named
    on = {"on": theirs.branch, "onSha": theirs.tip.sha}
    return replace(named, head_sha=theirs.tip.sha, trigger={**new.trigger, **on})
