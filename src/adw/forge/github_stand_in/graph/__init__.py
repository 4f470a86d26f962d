"""GraphQL: any document over the few things that only GraphQL can tell or do; importing it puts it on the list."""

from __future__ import annotations

from adw.forge.github_stand_in.graph import root

__all__ = ["root"]
