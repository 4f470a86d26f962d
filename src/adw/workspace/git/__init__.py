"""Workspaces on git: one mirror for each project, one working tree for each workflow."""

from __future__ import annotations

from adw.workspace.git.files import copy_private_files, write_ports_file
from adw.workspace.git.workspace import GitWorkspace
from adw.workspace.git.workspaces import GitWorkspaces

__all__ = ["GitWorkspace", "GitWorkspaces", "copy_private_files", "write_ports_file"]
