"""The stand-in as a whole."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from adw.forge.github_stand_in.app import App, Asked
from adw.forge.github_stand_in.face.machines import Machines
from adw.forge.github_stand_in.face.people import People
from adw.forge.github_stand_in.face.scene import Scene
from adw.forge.github_stand_in.faults import Faults
from adw.forge.github_stand_in.hooks import Hooks
from adw.forge.github_stand_in.serving import Serving
from adw.forge.github_stand_in.world import World, present


class StandIn(Scene, People, Machines):
    """A GitHub of one's own: REST, the GraphQL that is needed, git over HTTP, and signed webhooks.

    Its state is in memory and ends with it; the git data is in `folder`, or in one that goes when serving ends.
    `with stand_in.serve():` or `async with stand_in.serve():` serves on 127.0.0.1 from a thread of its own.
    `observe` is told of every request and its answer, `observe_hooks` of every event (name and payload).
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        now: Callable[[], datetime] = present,
        rate_limit: int = 5000,
        observe: Callable[[Asked], None] | None = None,
        observe_hooks: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        super().__init__()
        place = folder or Path(tempfile.mkdtemp(prefix="github-stand-in-"))
        self._tidy = weakref.finalize(self, shutil.rmtree, place, ignore_errors=True) if folder is None else None
        self.world = World(folder=place.resolve(), now=now, rate_limit=rate_limit)
        self.faults = Faults()
        self.app = App(self.world, hooks=Hooks(self.world, observe=observe_hooks), faults=self.faults, observe=observe)

    @property
    def api_url(self) -> str:
        """What GITHUB_API_URL is set to."""
        return self.world.api_url

    @property
    def server_url(self) -> str:
        """What GITHUB_SERVER_URL is set to: pages, and git."""
        return self.world.web_url

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, without tokens and answers; of very many the later ones."""
        return self.app.requests

    def clone_url(self, full_name: str) -> str:
        return f"{self.server_url}/{self._repository(full_name).full_name}.git"

    def serve(self, *, port: int = 0) -> _Served:
        """Serves while the block runs; port 0 takes a free one. Raises ConflictError for one that is taken."""
        return _Served(self, port)

    def start(self, *, port: int = 0) -> None:
        self._serving = Serving(self.app, self.app.effects.core.hooks, port=port)
        self.world.web_url = f"http://127.0.0.1:{self._serving.port}"
        self._serving.start()

    def stop(self) -> None:
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
        if self._tidy is not None:
            self._tidy()


class _Served(contextlib.AbstractContextManager[StandIn], contextlib.AbstractAsyncContextManager[StandIn]):
    """Either kind of block."""

    def __init__(self, stand_in: StandIn, port: int) -> None:
        self._stand_in = stand_in
        self._port = port

    def __enter__(self) -> StandIn:
        self._stand_in.start(port=self._port)
        return self._stand_in

    def __exit__(self, *_exc: object) -> None:
        self._stand_in.stop()

    async def __aenter__(self) -> StandIn:
        return self.__enter__()

    async def __aexit__(self, *_exc: object) -> None:
        self._stand_in.stop()
