"""What every process of the system stands on, whether it serves requests or executes workflows."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from adw.control.service import Control
from adw.control.steering import Steering
from adw.engine.deferred import DeferredEnqueuer
from adw.forge.github import GitHub
from adw.intake.service import Intake
from adw.kit.paths import DataPaths
from adw.kit.process import Lifeline, SupervisedLauncher, clean_environment
from adw.kit.settings import Settings
from adw.ports.engine import Enqueuer
from adw.store.db import Database
from adw.wiring.all_projects import AllProjects
from adw.wiring.github import build_github
from adw.wiring.github_projects import GitHubAccess, GitHubProjects
from adw.wiring.projects import LocalProjects
from adw.wiring.resources import HostResources
from adw.workspace.commands import LaunchedCommands
from adw.workspace.git import GitWorkspaces
from adw.workspace.sandbox import HostContainment, ThisMachine, find_sandbox, inner_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """The shared parts. `environment` is what project commands and agents' tools start from."""

    settings: Settings
    paths: DataPaths
    database: Database
    enqueuer: Enqueuer
    lifeline: Lifeline
    launcher: SupervisedLauncher
    containment: HostContainment
    runtime_dir: Path
    workspaces: GitWorkspaces
    access: AllProjects
    github: GitHub
    commands: LaunchedCommands
    intake: Intake
    control: Control
    steering: Steering
    environment: Mapping[str, str]

    @property
    def work_dir(self) -> Path:
        """Where reports and set-up marks are kept, outside every working tree."""
        return _work_dir(self.paths)


@asynccontextmanager
async def open_foundation(
    settings: Settings, *, url: str, environ: Mapping[str, str] | None = None
) -> AsyncGenerator[Foundation]:
    """Opens the parts in the running loop and closes them again; programs started meanwhile are ended first."""
    paths = DataPaths(settings.data_dir).ensure()
    environment = _with_tools(clean_environment(os.environ if environ is None else environ, {}), paths)
    database = Database(url, pool_size=10)
    enqueuer = DeferredEnqueuer(database.url)
    runtime_dir = paths.run / str(os.getpid())
    runtime_dir.mkdir(mode=0o700, exist_ok=True)
    async with await Lifeline.open(runtime_dir) as lifeline:
        machine = ThisMachine(environment=environment, data_dir=paths.root, tools=paths.tools)
        sandbox = await find_sandbox(machine)
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=runtime_dir, sandbox=sandbox)
        github = build_github(settings, database=database)
        workspaces = GitWorkspaces(settings.data_dir, access=GitHubAccess(github))
        access = AllProjects(
            local=LocalProjects(database=database, paths=paths),
            github=GitHubProjects(github=github, server_url=settings.github_server_url, workspaces=workspaces),
        )
        try:
            yield Foundation(
                settings=settings,
                paths=paths,
                database=database,
                enqueuer=enqueuer,
                lifeline=lifeline,
                launcher=launcher,
                containment=HostContainment(operator=settings.sandbox, env=inner_variables(Path.home())),
                runtime_dir=runtime_dir,
                workspaces=workspaces,
                access=access,
                github=github,
                commands=LaunchedCommands(launcher, path=environment.get("PATH", os.defpath)),
                intake=Intake(
                    database=database, workspaces=workspaces, access=access, resources=HostResources(settings=settings)
                ),
                control=Control(database=database, enqueuer=enqueuer),
                steering=Steering(
                    database=database,
                    enqueuer=enqueuer,
                    access=access,
                    workspaces=workspaces,
                    work_dir=_work_dir(paths),
                ),
                environment=environment,
            )
        finally:
            await lifeline.close()
            enqueuer.dispose()
            await github.aclose()
            await database.close()


def _work_dir(paths: DataPaths) -> Path:
    return paths.root / "work"


def _with_tools(environment: Mapping[str, str], paths: DataPaths) -> Mapping[str, str]:
    """Puts our uv last on `PATH`: projects are set up by it unless the machine has one of its own."""
    tool = paths.tools / "uv"
    tool.parent.mkdir(exist_ok=True)
    draft = tool.with_name(f"uv.{os.getpid()}")
    draft.symlink_to(find_uv_bin())
    draft.replace(tool)
    return {**environment, "PATH": os.pathsep.join([environment.get("PATH", os.defpath), str(tool.parent)])}
