"""Which settings the server runs with. Secrets are said to be set, and no more."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from adw.api.openapi import problems
from adw.api.wire import Wire
from adw.kit.settings import Settings
from adw.kit.shown import shown_setting
from adw.kit.variables import VARIABLES

router = APIRouter(prefix="/api/config", tags=["access"], responses=problems())


class SettingView(Wire):
    """One setting."""

    name: str
    value: str | int | float | None = Field(description="`****` for a secret that is set; null for what is not set")
    origin: str = Field(description="Where it comes from: a file, the environment, or the default")
    about: str


class SettingList(Wire):
    """All settings. Empty for a server that was assembled without any."""

    settings: tuple[SettingView, ...]


@router.get("")
async def list_settings(request: Request) -> SettingList:
    """All settings with where they come from; secrets are hidden."""
    settings: Settings | None = request.app.state.settings
    if settings is None:
        return SettingList(settings=())
    shown = [
        SettingView(
            name=variable.name,
            value=shown_setting(settings, variable),
            origin=settings.origins[variable.name],
            about=variable.about,
        )
        for variable in VARIABLES
    ]
    return SettingList(settings=tuple(shown))
