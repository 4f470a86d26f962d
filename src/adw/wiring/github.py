"""GitHub as the settings describe it."""

from __future__ import annotations

from adw.forge.github import AppCredential, GitHub, TokenCredential
from adw.kit.settings import Settings
from adw.store.db import Database


def build_github(settings: Settings, *, database: Database) -> GitHub:
    """With an App's credential before a token's; without any, public repositories can be read."""
    return GitHub(
        api_url=settings.github_api_url,
        server_url=settings.github_server_url,
        credential=_credential(settings),
        database=database,
    )


async def account_on_github(settings: Settings, *, url: str) -> str:
    """The login of our credential, asked of GitHub. Raises what the forge raises when it is refused."""
    database = Database(url)
    try:
        async with build_github(settings, database=database) as github:
            return (await github.forge("any/repository").ourselves()).login
    finally:
        await database.close()


def _credential(settings: Settings) -> AppCredential | TokenCredential | None:
    if settings.github_app_id is not None and settings.github_app_private_key is not None:
        return AppCredential(app_id=settings.github_app_id, private_key=settings.github_app_private_key)
    return None if settings.github_token is None else TokenCredential(token=settings.github_token)
