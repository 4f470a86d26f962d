"""A whole server in one process: real PostgreSQL, real git, the local forge; only the engine's queue is a list."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI

from adw.api import ApiServices, create_app
from adw.api.access import Gate
from adw.api.access.openings import Openings
from adw.api.views.events import event_json
from adw.control.service import Control
from adw.control.steering import Steering
from adw.domain.approval import Approval, ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import PullRequest
from adw.domain.kinds import phases_of
from adw.domain.project import ForgeKind
from adw.domain.status import Status
from adw.domain.workflow import NewWorkflow, Workflow
from adw.intake.service import Intake, project_id_of
from adw.kit.ids import new_adw_id
from adw.kit.paths import DataPaths
from adw.ports.launcher import Launcher
from adw.store import approvals
from adw.store.db import Database
from adw.store.events import append_event
from adw.store.projects import ensure_project, get_project
from adw.store.usage import set_budget
from adw.store.workflows import create_workflow, require_workflow, transition, update_workflow
from adw.stream import Feed
from adw.wiring.models import pick_model
from adw.wiring.projects import LocalProjects
from adw.workspace.commands import LaunchedCommands
from adw.workspace.git import GitWorkspaces

TOKEN = "a-token-for-tests"
URL = "http://127.0.0.1:8003"
WORKFLOWS = "/api/adw/workflows"

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/local/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "P",
    "GIT_AUTHOR_EMAIL": "p@x",
    "GIT_COMMITTER_NAME": "P",
    "GIT_COMMITTER_EMAIL": "p@x",
}


def git(folder: Path, *args: str, stdin: bytes | None = None) -> str:
    command = ["git", "-C", str(folder), *args]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, env=ENVIRONMENT).stdout.decode()


def make_repository(folder: Path) -> Path:
    """A small Python project with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "README.md").write_text("hello\n")
    (folder / "test_it.py").write_text("def test_it(): pass\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n[tool.pytest.ini_options]\n')
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Begin")
    return folder


@dataclass(slots=True)
class RecordingEnqueuer:
    """Stands for the engine's queue: remembers what was started and revoked."""

    started: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    async def enqueue(self, _connection: Any, *, run_id: str, **_rest: Any) -> None:
        self.started.append(run_id)

    async def revoke(self, _connection: Any, *, run_id: str) -> None:
        self.revoked.append(run_id)


@dataclass(slots=True)
class Stage:
    """The server's parts, its application and a client that checks every answer against the API's description."""

    root: Path
    database: Database
    services: ApiServices
    enqueuer: RecordingEnqueuer
    app: FastAPI
    http: httpx.AsyncClient
    repository: Path
    base_sha: str

    async def work(self, title: str = "Fix the date", *, kind: str = "plan-build-test", **more: Any) -> Workflow:
        """Work as intake accepts it, written without asking git, which takes the most of a test's time."""
        async with self.database.begin() as connection:
            project = await ensure_project(
                connection,
                project_id=project_id_of(self.repository),
                name=self.repository.name,
                forge=ForgeKind.LOCAL,
                source=str(self.repository),
                base_branch="main",
            )
        issue = await self.services.access.forge(project).create_issue(title=title, body="", key=None)
        new = NewWorkflow(
            adw_id=new_adw_id(),
            project_id=project.id,
            workflow_type=kind,
            phases=tuple(phases_of(kind)),
            issue_number=issue.number,
            issue_title=issue.title,
            issue_body=issue.body,
            base_branch="main",
            base_sha=self.base_sha,
            **more,
        )
        async with self.database.begin() as connection:
            workflow = await create_workflow(connection, new)
            await set_budget(connection, new.adw_id, budget_usd=new.budget_usd)
            await append_event(connection, new.adw_id, NewEvent(type=EventType.WORKFLOW_QUEUED))
            return workflow

    async def activate(self, adw_id: str) -> Workflow:
        """As a dispatcher would."""
        return await self.move(adw_id, Status.ACTIVE, EventType.WORKFLOW_STARTED)

    async def move(self, adw_id: str, to: Status, event: EventType, **changes: Any) -> Workflow:
        async with self.database.begin() as connection:
            return await transition(connection, adw_id, to=to, event=NewEvent(type=event), changes=changes)

    async def change(self, adw_id: str, **changes: Any) -> Workflow:
        async with self.database.begin() as connection:
            return await update_workflow(connection, adw_id, changes=changes)

    async def row(self, adw_id: str) -> Workflow:
        async with self.database.read() as connection:
            return await require_workflow(connection, adw_id)

    async def ask(self, adw_id: str, kind: ApprovalKind = ApprovalKind.PLAN, *, key: str = "plan") -> Approval:
        async with self.database.begin() as connection:
            asked, _ = await approvals.ask(
                connection, adw_id=adw_id, kind=kind, key=key, question="May it?", data={"a": 1}
            )
        return asked

    async def pull(
        self, workflow: Workflow, *, files: Mapping[str, str] | None = None, draft: bool = False
    ) -> PullRequest:
        """A pull request of the workflow with one commit on its own branch."""
        async with self.database.read() as connection:
            project = await get_project(connection, workflow.project_id)
        branch = f"work-{workflow.adw_id}"
        await self.services.access.prepare_remote(project, base="main", sha=self.base_sha)
        bare = DataPaths(self.root).forge_remote(project.id)
        git(bare, "fast-import", "--quiet", stdin=_commit(branch, files or {"date.txt": "today\n"}))
        pull = await self.services.access.forge(project).ensure_pull_request(
            head=branch, base="main", title="Fix the date", body="It was wrong", draft=draft, key=None
        )
        await self.change(
            workflow.adw_id,
            pr_number=pull.number,
            pr_state=pull.state,
            branch_name=branch,
            head_sha=pull.head_sha,
        )
        return pull

    async def close(self) -> None:
        await self.http.aclose()
        await self.services.feed.close()
        await self.database.close()


def open_stage(*, url: str, root: Path, template: Path) -> Stage:
    repository = root / "repository"
    if not repository.exists():
        shutil.copytree(template, repository)
    database = Database(url, pool_size=4)
    workspaces = GitWorkspaces(root)
    access = LocalProjects(database=database, paths=DataPaths(root))
    enqueuer = RecordingEnqueuer()
    services = ApiServices(
        database=database,
        feed=Feed(database, encode=event_json),
        intake=Intake(database=database, workspaces=workspaces, access=access),
        control=Control(database=database, enqueuer=enqueuer),
        steering=Steering(
            database=database, enqueuer=enqueuer, access=access, workspaces=workspaces, work_dir=root / "work"
        ),
        access=access,
        workspaces=workspaces,
        commands=LaunchedCommands(cast("Launcher", None), path="/usr/bin"),
        pick_model=pick_model,
    )
    app = application()
    app.state.services, app.state.data_dir, app.state.stopping = services, root, asyncio.Event()
    app.state.openings = Openings(app)
    app.state.gate = Gate(token=TOKEN)  # which has counted nobody's failures yet
    return Stage(
        root=root,
        database=database,
        services=services,
        enqueuer=enqueuer,
        app=app,
        http=client_of(app),
        repository=repository,
        base_sha=(repository / ".git/refs/heads/main").read_text().strip(),
    )


@cache
def application() -> FastAPI:
    """Made once, because its routes take long to make; each stage gives it its own services."""
    return create_app(cast("ApiServices", None), token=TOKEN)


def client_of(app: FastAPI, *, reraise: bool = True, **headers: str) -> httpx.AsyncClient:
    """A client with the token, whose every answer must be one that the API's description declares."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=reraise),
        base_url=URL,
        headers={"Authorization": f"Bearer {TOKEN}"} | headers,
        event_hooks={"response": [check_declared]},
    )


Operation = tuple[re.Pattern[str], str, dict[str, Any]]


@cache
def operations() -> list[Operation]:
    """What the API's description says, read once: it is the same for every server."""
    described = application().openapi()
    return [(_pattern(path), method.upper(), op) for path, i in described["paths"].items() for method, op in i.items()]


async def check_declared(response: httpx.Response) -> None:
    """Fails a test whose request got an answer of a status or media type that the route does not declare."""
    request = response.request
    path = request.url.raw_path.decode().partition("?")[0]
    for pattern, method, operation in operations():
        if method == request.method and pattern.fullmatch(path):
            declared = operation["responses"].get(str(response.status_code))
            assert declared is not None, f"{method} {path} answered {response.status_code}, which is not declared"
            kinds = declared.get("content", {})
            if "content-type" not in response.headers:
                assert not kinds, f"{method} {path} answered nothing"
                return
            kind = response.headers["content-type"].partition(";")[0]
            assert kind in kinds or "*/*" in kinds, f"{method} {path} answered {kind}, not one of {list(kinds)}"
            return


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(?!name)\w+\}", "[^/]+", path).replace("{name}", ".+"))


def _commit(branch: str, files: Mapping[str, str]) -> bytes:
    lines = [
        f"commit refs/heads/{branch}",
        "committer P <p@x> 1700000000 +0000",
        "data 3",
        "Fix",
        "from refs/heads/main^0",
    ]
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    return ("\n".join(lines) + "\n").encode()
