"""Accounts of the local forge: whoever reaches this machine's program may do everything; and labels of issues."""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.account import Account, Permission
from adw.domain.forge import OURSELVES
from adw.domain.forge_text import check_labels
from adw.store import local_forge, local_threads


class LocalAccounts:
    """Implements `adw.ports.forge.AccountForge`."""

    def __init__(self, begin: local_forge.Begin, *, project_id: str) -> None:
        self._begin = begin
        self._project_id = project_id

    async def ourselves(self) -> Account:
        return Account(login=OURSELVES)

    async def permission_of(self, login: str) -> Permission:  # noqa: ARG002 # the port's word
        return Permission.ADMIN

    async def add_labels(self, number: int, labels: Sequence[str]) -> None:
        async with self._begin() as connection:
            await local_threads.add_labels(
                connection, project_id=self._project_id, number=number, labels=check_labels(labels)
            )

    async def remove_label(self, number: int, label: str) -> None:
        async with self._begin() as connection:
            await local_threads.remove_label(connection, project_id=self._project_id, number=number, label=label)
