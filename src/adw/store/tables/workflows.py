"""Projects, workflows and their events."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from adw.domain.agent import ModelSet
from adw.domain.failure import FailureClass
from adw.domain.project import ForgeKind
from adw.domain.status import PrState, Status, WaitReason
from adw.store.metadata import metadata
from adw.store.tables.types import Xid8, created_at, json_object, one_of

_LIVE = (
    "status IN ('queued', 'active', 'waiting', 'paused') OR (status <> 'cancelled' AND pr_state IN ('draft', 'ready'))"
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("forge", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("base_branch", Text, nullable=False),
    Column("remote", Text),
    created_at(),
    Column("served_at", DateTime(timezone=True)),
    UniqueConstraint("forge", "source"),
    one_of("forge", ForgeKind),
)

workflows = Table(
    "adw_workflows",
    metadata,
    Column("adw_id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("workflow_type", Text, nullable=False),
    Column("phases", ARRAY(Text), nullable=False),
    Column("status", Text, nullable=False, server_default=Status.QUEUED.value),
    Column("phase", Text, nullable=False, server_default="initialized"),
    Column("wait_reason", Text),
    Column("paused_from", Text),
    Column("pr_state", Text, nullable=False, server_default=PrState.NONE.value),
    Column("pr_number", Integer),
    Column("issue_number", Integer),
    Column("issue_title", Text, nullable=False),
    Column("issue_body", Text, nullable=False),
    Column("issue_class", Text),
    Column("branch_name", Text),
    Column("base_branch", Text, nullable=False),
    Column("base_sha", Text, nullable=False),
    Column("head_sha", Text),
    Column("model_set", Text, nullable=False, server_default=ModelSet.BASE.value),
    Column("budget_usd", Numeric(14, 6)),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("depends_on", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("project_limit", Integer),
    Column("open_pull_limit", Integer),
    Column("queued_at", DateTime(timezone=True), server_default=func.clock_timestamp()),
    Column("queued_because", JSONB),
    json_object("options"),
    json_object("trigger"),
    Column("worktree_path", Text),
    Column("worktree_exists", Boolean, nullable=False, server_default=text("false")),
    Column("backend_port", Integer),
    Column("frontend_port", Integer),
    Column("plan_file", Text),
    Column("merge_sha", Text),
    Column("forked_from", Text, ForeignKey("adw_workflows.adw_id", ondelete="SET NULL")),
    Column("rewind_to", Text),
    Column("held_by", Text),
    Column("resume_at", DateTime(timezone=True)),
    Column("wait_scope", Text),
    Column("wait_usd", Numeric(14, 6)),
    Column("failure_class", Text),
    Column("failure", JSONB),
    Column("owner_id", Text),
    Column("owner_epoch", Integer, nullable=False, server_default="0"),
    Column("leg", Integer, nullable=False, server_default="0"),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("idempotency_key", Text, unique=True),
    created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("started_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    CheckConstraint("adw_id ~ '^[0-9a-f]{8}$'", name="adw_id_form"),
    CheckConstraint("phase ~ '^[a-z][a-z0-9_:-]*$'", name="phase_form"),
    CheckConstraint(
        "(status = 'waiting') = (wait_reason IS NOT NULL) OR status = 'paused'", name="reason_when_waiting"
    ),
    CheckConstraint("(status = 'paused') = (paused_from IS NOT NULL)", name="origin_when_paused"),
    CheckConstraint("NOT adw_id = ANY (depends_on)", name="depends_on_others"),
    one_of("status", Status),
    one_of("wait_reason", WaitReason),
    one_of("paused_from", Status),
    one_of("pr_state", PrState),
    one_of("model_set", ModelSet),
    one_of("failure_class", FailureClass),
    Index(
        "one_live_workflow_per_issue",
        "project_id",
        "issue_number",
        unique=True,
        postgresql_where=text(f"issue_number IS NOT NULL AND forked_from IS NULL AND ({_LIVE})"),
    ),
    Index("ix_adw_workflows_queue", "priority", "created_at", postgresql_where=text("status = 'queued'")),
    Index(
        "ix_adw_workflows_turn",
        "project_id",
        "priority",
        "project_limit",
        "queued_at",
        postgresql_where=text("status = 'queued'"),
    ),
    Index("ix_adw_workflows_open_pulls", "project_id", postgresql_where=text("pr_state IN ('draft', 'ready')")),
    Index("ix_adw_workflows_active", "project_id", postgresql_where=text("status = 'active'")),
    Index("ix_adw_workflows_status", "status"),
    Index("ix_adw_workflows_waiting", "wait_reason", "wait_scope", postgresql_where=text("status = 'waiting'")),
    Index("ix_adw_workflows_created_at", "created_at"),
    Index("ix_adw_workflows_page", "created_at", "adw_id"),
    Index("ix_adw_workflows_project_page", "project_id", "created_at", "adw_id"),
    Index("ix_adw_workflows_forked_from", "forked_from"),
)

events = Table(
    "adw_workflow_events",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("event_subtype", Text),
    Column("phase", Text),
    Column("message", Text, nullable=False, server_default=""),
    json_object("data"),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    created_at(),
    UniqueConstraint("adw_id", "seq"),
    Index("ix_adw_workflow_events_feed", "xid", "adw_id", "seq"),
)
