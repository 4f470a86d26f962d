"""Whether the forges in use answer, asked seldom: whoever looks every second does not use up a forge's patience."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from adw.api.services import ApiServices
from adw.domain.project import ForgeKind, Project
from adw.kit.errors import AdwError
from adw.store.projects import list_projects

BELIEVED_S = 60.0
_PROBE_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeHealth:
    """Says nothing about who has which project: strangers may ask."""

    is_well: bool
    detail: str


_LOCAL = ForgeHealth(is_well=True, detail="local; kept in the database")


@dataclass(slots=True)
class ForgeProbe:
    """One for each application. Asks GitHub for one branch of the project that was added last."""

    believed_s: float = BELIEVED_S
    timeout_s: float = _PROBE_TIMEOUT_S
    _known: ForgeHealth | None = None
    _looked_at: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, services: ApiServices) -> ForgeHealth:
        """What is known, or newly found out. Raises DatabaseError."""
        async with self._turn:
            if self._known is None or time.monotonic() - self._looked_at > self.believed_s:
                self._known = await self._probe(services)
                self._looked_at = time.monotonic()
            return self._known

    async def _probe(self, services: ApiServices) -> ForgeHealth:
        async with services.database.read() as connection:
            found = [each for each in await list_projects(connection) if each.forge is ForgeKind.GITHUB]
        return await self._ask(services, found[-1]) if found else _LOCAL

    async def _ask(self, services: ApiServices, project: Project) -> ForgeHealth:
        try:
            async with asyncio.timeout(self.timeout_s):
                await services.access.forge(project).branch_head(project.base_branch)
        except TimeoutError:
            return ForgeHealth(is_well=False, detail=f"GitHub: no answer within {self.timeout_s:g} s")
        except AdwError as error:
            return ForgeHealth(
                is_well=False, detail=f"GitHub: {error.code}; the server's log and `adw doctor` say more"
            )
        return ForgeHealth(is_well=True, detail="GitHub answers")
