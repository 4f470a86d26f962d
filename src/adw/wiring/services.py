"""What workflows run on in this worker: the ports of `workflows`, filled with adapters."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from adw.agents.claude import ClaudeRuntime
from adw.agents.gate import StartGate
from adw.agents.options import ClaudeSettings
from adw.agents.plain.request import PlainSettings
from adw.agents.plain.runtime import PlainRuntime
from adw.agents.prompts import AgentPrompts
from adw.agents.sessions import ClaudeSessionStore
from adw.domain.agent import RuntimeName
from adw.domain.prices import LIST_PRICES
from adw.gateway import Credential, Gateway, Upstream
from adw.kit.process import host_identity
from adw.kit.settings import Settings
from adw.store.leases import PortPair
from adw.store.limits import LimitBook
from adw.store.sessions import PostgresTranscripts
from adw.store.usage import UsageBook
from adw.wiring.foundation import Foundation
from adw.wiring.gateway_news import tell_of_replacement, tell_of_warning
from adw.wiring.models import pick_model
from adw.wiring.runtimes import ChosenRuntime
from adw.workflows.services import Services
from adw.workspace.git import copy_private_files, write_ports_file

PORT_PAIRS = 100


def build_gateway(foundation: Foundation) -> Gateway:
    """The worker's gateway, with the real credential; nothing else of the worker gets to hold it."""
    settings = foundation.settings
    credential = Credential.first_of(
        api_key=settings.anthropic_api_key,
        auth_token=settings.anthropic_auth_token,
        oauth_token=settings.claude_code_oauth_token,
    )
    return Gateway(
        book=UsageBook(foundation.database.engine),
        upstream=Upstream(base_url=settings.anthropic_base_url, credential=credential),
        prices=LIST_PRICES,
        on_budget_warning=partial(tell_of_warning, foundation.database),
        on_model_replaced=partial(tell_of_replacement, foundation.database),
        limit_book=LimitBook(foundation.database.engine),
        longest_hold_s=settings.longest_hold_s,
        socket_dir=foundation.runtime_dir,
    )


def build_services(foundation: Foundation, *, gateway: Gateway) -> Services:
    settings = foundation.settings
    return Services(
        database=foundation.database,
        workspaces=foundation.workspaces,
        access=foundation.access,
        commands=foundation.commands,
        runtime=build_runtime(foundation),
        gateway=gateway,
        prompts=AgentPrompts(),
        pick_model=pick_model,
        environment=foundation.environment,
        host=host_identity(),
        containment=foundation.containment,
        port_pairs=port_pairs(settings),
        is_port_free=is_port_free,
        work_dir=foundation.work_dir,
        write_private_files=write_private_files,
    )


def build_runtime(
    foundation: Foundation, *, claude: ClaudeSettings | None = None, plain: PlainSettings | None = None
) -> ChosenRuntime:
    """All runtimes there are, and the choice between them."""
    runtime_dir = foundation.paths.run / "agents"
    runtime_dir.mkdir(mode=0o700, exist_ok=True)
    rows = PostgresTranscripts(foundation.database.engine)
    launcher = foundation.launcher
    return ChosenRuntime(
        {
            RuntimeName.CLAUDE: ClaudeRuntime(
                launcher=launcher,
                session_store=ClaudeSessionStore(rows),
                runtime_dir=runtime_dir,
                settings=claude,
                gate=StartGate(foundation.database, host_id=host_identity()),
            ),
            RuntimeName.PLAIN: PlainRuntime(launcher=launcher, rows=rows, runtime_dir=runtime_dir, settings=plain),
        },
        usual=RuntimeName(foundation.settings.agent_runtime),
    )


def port_pairs(settings: Settings) -> Sequence[PortPair]:
    """Pairs in order; when the two ranges would overlap, the second moves behind the first."""
    backend, frontend = settings.backend_port_start, settings.frontend_port_start
    count = min(PORT_PAIRS, abs(frontend - backend) or PORT_PAIRS)
    if backend == frontend:
        frontend = backend + count
    return [PortPair(backend=backend + index, frontend=frontend + index) for index in range(count)]


def is_port_free(port: int) -> bool:
    """Whether a program could listen on this port of the loopback address right now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_private_files(workspace: Path, checkout: Path | None, globs: Sequence[str], ports: PortPair) -> None:
    """The files a workspace needs that are never committed: its ports, and what the project says to copy."""
    write_ports_file(workspace, backend_port=ports.backend, frontend_port=ports.frontend)
    if checkout is not None and globs:
        copy_private_files(source=checkout, target=workspace, globs=globs)
