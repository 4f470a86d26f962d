"""Tables of agent transcripts. Bodies are text, not jsonb: jsonb refuses NUL characters, which tool output may hold."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Table, Text, UniqueConstraint, func, text

from adw.store.metadata import metadata

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_key", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("subpath", Text, nullable=False, server_default=text("''")),
    Column("entry_count", BigInteger, nullable=False, server_default=text("0")),
    Column("summary", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("project_key", "session_id", "subpath"),
)

agent_session_entries = Table(
    "agent_session_entries",
    metadata,
    Column("agent_session_id", BigInteger, ForeignKey("agent_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("uuid", Text),
    Column("body", Text, nullable=False),
    UniqueConstraint("agent_session_id", "uuid"),
)
