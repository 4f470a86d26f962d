"""Settings as they may be shown to anybody who runs the program: secrets are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adw.kit.settings import Settings
    from adw.kit.variables import Variable

HIDDEN = "****"

_FIELDS = {"ADW_DATA_DIR": "data_dir", "ADW_API_TOKEN": "api_token"}


def shown_setting(settings: Settings, variable: Variable) -> str | int | float | None:
    """The value, `HIDDEN` in place of a secret, None for what is not set."""
    field = _FIELDS.get(variable.name, variable.name.lower().removeprefix("adw_"))
    value: Any = getattr(settings, field, None)
    if value is None:
        return None
    if variable.secret:
        return HIDDEN
    return value if isinstance(value, int | float) else str(value)
