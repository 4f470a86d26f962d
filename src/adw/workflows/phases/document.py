"""Document: a page about the change, written by an agent that may touch nothing else, true to the files it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from adw.domain.agent import Role, ToolPolicy
from adw.domain.documentation import Changelog, Fault, Page, find_changelog, judge, page_path, without_file
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.naming import slugify
from adw.domain.phase import Evidence, GateOutcome
from adw.ports.engine import JsonValue
from adw.ports.prompts import DocumentMaterial, Prompt
from adw.ports.workspace import Change
from adw.store.evidenced import find_passed
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import READ_ONLY, Conversation, converse
from adw.workflows.endings import PhaseFailed
from adw.workflows.facts import Naming, recall_head, require_naming
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree

GATE = "document"
ROUNDS = 2
_MOST_CHARS = 200_000
"""Of a page; what is longer is judged by its beginning."""
_NOTHING_IN_IT = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The tree without files, which git always knows, by the length of its object names."""
_FAULTS_OF_THE_AGENT = frozenset({Fault.MISSING, Fault.TRIVIAL, Fault.STRAYED})

_Problems = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is documented, and the files that may be written for it."""

    naming: Naming
    worktree: Worktree
    base: str
    head: str
    page: str
    changelog: str | None
    """Gains a line; None when there is none, or when it tells of the change already."""

    @property
    def writable(self) -> tuple[str, ...]:
        return (self.page, self.changelog) if self.changelog else (self.page,)

    def is_subject(self, path: str) -> bool:
        """Whether a changed file is part of what the page is about."""
        return path not in {self.page, self.changelog, self.naming.plan_file}


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves one commit with the page on the branch, or says why there is nothing to write."""
    naming = await require_naming(ctx)
    head = await recall_head(ctx)
    earlier = await _earlier_files(ctx, head)
    if earlier is not None:
        return await _skip(ctx, head, GateOutcome.PASSED, f"already documented in {earlier[0]}", files=earlier)
    worktree = await open_worktree(ctx, branch=naming.branch)
    task = await _survey(ctx, worktree, naming, head)
    if task is None:
        return await _skip(ctx, head, GateOutcome.NOT_APPLICABLE, "there is no change to document")
    answer = await _write(ctx, task)
    message = str(answer.get("commit_message") or f"docs: {naming.title}")
    saved = await save(ctx, worktree, name="document", message=message, since=head)
    await _verify(ctx, task, saved or head)
    summary = str(answer.get("summary") or "")
    return {"head": saved or head, "files": list(task.writable), "skipped": False, "summary": summary}


async def _earlier_files(ctx: PhaseContext, head: str) -> list[str] | None:
    """The files by which this very commit was found documented before, by whichever workflow."""

    async def work() -> JsonValue:
        async with ctx.services.database.read() as connection:
            found = await find_passed(connection, project_id=ctx.run.project.id, gate=GATE, commit=head)
        return None if found is None else [str(path) for path in found.data.get("files", ())] or None

    return await ctx.step("earlier", work)


async def _skip(
    ctx: PhaseContext, head: str, outcome: GateOutcome, reason: str, *, files: Sequence[str] = ()
) -> Mapping[str, Any]:
    found = Evidence(gate=GATE, outcome=outcome, commit=head, summary=reason, data={"files": list(files)})
    await ctx.gate(found)
    return {"head": head, "files": list(files), "skipped": True, "summary": reason}


async def _survey(ctx: PhaseContext, worktree: Worktree, naming: Naming, head: str) -> _Task | None:
    """What there is to do; None when the branch holds nothing but its plan."""
    base = ctx.run.workflow.base_sha
    slug = naming.branch.partition(f"-adw-{ctx.adw_id}-")[2] or slugify(naming.title)
    page = page_path(adw_id=ctx.adw_id, slug=slug)

    async def look() -> JsonValue:
        changed = await _changed(worktree, since=base, until=head)
        changelog = find_changelog(await _files(worktree, head))
        kept = changelog is not None and _is_plain(worktree, changelog) and changelog not in changed
        subjects = [path for path in changed if path not in {page, naming.plan_file}]
        return {"any": bool(subjects), "changelog": changelog if kept else None}

    seen: Mapping[str, Any] = await ctx.step("survey", look)
    if not seen["any"]:
        return None
    return _Task(naming=naming, worktree=worktree, base=base, head=head, page=page, changelog=seen["changelog"])


async def _write(ctx: PhaseContext, task: _Task) -> Mapping[str, Any]:
    """Has the page written, and corrected once if need be. Raises PhaseFailed when it is still wrong then."""
    problems: _Problems = ()
    for number in range(ROUNDS):
        answer = await _converse(ctx, task, problems, number)
        problems = await _look(ctx, task, number)
        if not problems:
            return answer["structured"]
    raise await _refused(ctx, task.head, problems)


async def _converse(ctx: PhaseContext, task: _Task, problems: _Problems, number: int) -> Mapping[str, Any]:
    """A correction goes on in the tree as it is, unless that holds what must not be there."""
    strayed = any(each["fault"] == Fault.STRAYED for each in problems)
    return await converse(
        ctx,
        Conversation(
            role=Role.DOCUMENTER,
            prompt=await _prompt(ctx, task, problems),
            policy=ToolPolicy(
                tools=(*READ_ONLY.tools, "Write", "Edit"),
                allowed=(*READ_ONLY.allowed, "Write", "Edit"),
                writable=task.writable,
            ),
            cwd=task.worktree.path,
            env=task.worktree.tool_environment,
            round=number,
            workspace=task.worktree.workspace,
            start_commit=task.head if strayed or not problems else None,
        ),
    )


async def _prompt(ctx: PhaseContext, task: _Task, problems: _Problems) -> Prompt:
    workspace, plan_file = task.worktree.workspace, task.naming.plan_file
    changed = await workspace.changed_files(since=task.base, until=task.head)
    diff = await workspace.diff(base=task.base, head=task.head)
    plan = None if plan_file is None else await workspace.read_committed(path=plan_file, ref=task.head)
    material = DocumentMaterial(
        page_path=task.page,
        changed=[f"{each.status} {_readable(each.path)}" for each in changed if task.is_subject(each.path)],
        diff=diff if plan_file is None else without_file(diff, plan_file),
        plan="" if plan is None else plan.decode("utf-8", "replace"),
        changelog=task.changelog,
        problems=[each["text"] for each in problems],
    )
    return ctx.services.prompts.document(issue=ctx.run.issue, material=material)


async def _look(ctx: PhaseContext, task: _Task, number: int) -> _Problems:
    """What is wrong with the page as it lies in the working tree."""

    async def work() -> JsonValue:
        worktree = task.worktree
        touched = await worktree.workspace.changed_files(since=task.head)
        others = [_readable(each.path) for each in touched if each.path not in task.writable]
        texts = {path: _text(worktree, path) for path in task.writable}
        found = await _judge(task, task.head, texts, others)
        if found and number + 1 < ROUNDS:
            message = f"to be corrected: {'; '.join(each['text'] for each in found)}"
            await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        return found

    return await ctx.step(f"look.{number}", work)


async def _verify(ctx: PhaseContext, task: _Task, head: str) -> None:
    """The gate, on what was committed."""

    async def work() -> JsonValue:
        texts = {path: await _committed(task.worktree, path, head) for path in task.writable}
        return await _judge(task, head, texts, ())

    problems: _Problems = await ctx.step("verify", work)
    if problems:
        raise await _refused(ctx, head, problems)
    summary = f"{task.page} names files that are there"
    summary += f"; {task.changelog} has a line about the change" if task.changelog else ""
    data = {"files": list(task.writable)}
    await ctx.gate(Evidence(gate=GATE, outcome=GateOutcome.PASSED, commit=head, summary=summary, data=data))


async def _judge(task: _Task, head: str, texts: Mapping[str, str | None], others: Sequence[str]) -> list[Any]:
    changed = await _changed(task.worktree, since=task.base, until=task.head)
    changelog = None
    if task.changelog is not None:
        before = await _committed(task.worktree, task.changelog, task.head)
        changelog = Changelog(path=task.changelog, before=before or "", after=texts[task.changelog] or "")
    page = Page(
        path=task.page,
        text=texts[task.page],
        files={*await _files(task.worktree, head), task.page},
        changed=[path for path in changed if task.is_subject(path)],
        others=others,
        changelog=changelog,
    )
    return [asdict(problem) for problem in judge(page)]


async def _refused(ctx: PhaseContext, head: str, problems: _Problems) -> PhaseFailed:
    summary = "; ".join(each["text"] for each in problems)
    data = {"faults": [each["fault"] for each in problems]}
    await ctx.gate(Evidence(gate=GATE, outcome=GateOutcome.FAILED, commit=head, summary=summary, data=data))
    of_the_agent = any(each["fault"] in _FAULTS_OF_THE_AGENT for each in problems)
    return PhaseFailed(FailureClass.AGENT_ERROR if of_the_agent else FailureClass.GATE_FAILED, summary)


async def _files(worktree: Worktree, commit: str) -> list[str]:
    return await _changed(worktree, since=_NOTHING_IN_IT[len(commit)], until=commit)


async def _changed(worktree: Worktree, *, since: str, until: str) -> list[str]:
    """The files that differ, without those that are gone."""
    found = await worktree.workspace.changed_files(since=since, until=until)
    return [_readable(each.path) for each in found if each.status is not Change.DELETED]


def _readable(path: str) -> str:
    """A path as it can be stored and shown, whatever bytes it is made of."""
    return path.encode("utf-8", "replace").decode()


async def _committed(worktree: Worktree, path: str, commit: str) -> str | None:
    content = await worktree.workspace.read_committed(path=path, ref=commit)
    return None if content is None else content.decode("utf-8", "replace")[:_MOST_CHARS]


def _text(worktree: Worktree, path: str) -> str | None:
    return (worktree.path / path).read_text("utf-8", "replace")[:_MOST_CHARS] if _is_plain(worktree, path) else None


def _is_plain(worktree: Worktree, path: str) -> bool:
    """Whether it is a file of the tree itself, reached through no link."""
    file = worktree.path.resolve() / path
    return file.is_file() and file.resolve() == file
