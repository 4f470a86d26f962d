"""What the demonstration works on: a small project with a real bug, and the issue somebody wrote about it."""

from __future__ import annotations

from adw.demo.project import SampleIssue, create_sample_project, read_sample_issue

__all__ = ["SampleIssue", "create_sample_project", "read_sample_issue"]
