"""Everything a workflow may use, as ports. Wiring fills them in; tests may fill them in otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.domain.agent import ModelSet, Role
from adw.domain.config import ProjectConfig
from adw.ports.agents import AgentRuntime
from adw.ports.commands import ProjectCommands
from adw.ports.containment import Containment
from adw.ports.gateway import ModelGateway
from adw.ports.projects import ProjectAccess
from adw.ports.prompts import Prompts
from adw.ports.workspace import Workspaces
from adw.store.db import Database
from adw.store.leases import PortPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One worker's parts."""

    database: Database
    workspaces: Workspaces
    access: ProjectAccess
    commands: ProjectCommands
    runtime: AgentRuntime
    gateway: ModelGateway
    prompts: Prompts
    pick_model: Callable[[Role, ModelSet, ProjectConfig], str]
    environment: Mapping[str, str]
    """The variables project commands and agents' tools start from; none of ours is among them."""
    host: str
    containment: Containment
    """How agents and project commands are kept apart from us here; told with every agent run."""
    port_pairs: Sequence[PortPair]
    is_port_free: Callable[[int], bool]
    work_dir: Path
    """Where reports and set-up marks are kept, outside every working tree."""
    write_private_files: Callable[[Path, Path | None, Sequence[str], PortPair], None]
    """Writes `.ports.env` and copies the configured files: (workspace, person's checkout, globs, ports)."""
    retry_delays_s: Sequence[float] = (2.0, 10.0)
    """Pauses before a conversation is resumed after a transient failure of the model API."""
    merge_look_delays_s: Sequence[float] = (2.0, 4.0, 8.0, 16.0, 32.0)
    """Pauses between looks for a merge on the base branch."""
    snapshot_interval_s: float = 30.0
