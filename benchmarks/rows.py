"""The least our tables need before events and requests can be booked on a workflow."""

from __future__ import annotations

import psycopg

ADW_ID = "0000beac"
_PROJECT = (
    "INSERT INTO projects (id, name, forge, source, base_branch) VALUES ('bench', 'bench', 'local', '/bench', 'main')"
)
_WORKFLOW = """
INSERT INTO adw_workflows (adw_id, project_id, workflow_type, phases, issue_title, issue_body, base_branch, base_sha)
VALUES (%s, 'bench', 'plan', '{plan}', 'bench', '', 'main', '0000')
"""


def write_workflow(url: str) -> None:
    """One workflow that nobody executes."""
    with psycopg.connect(url) as connection:
        connection.execute(_PROJECT)
        connection.execute(_WORKFLOW, (ADW_ID,))
