"""Customer statements: what is on them, what is owed in the end, and who is reminded of it."""

from tally.reminder import needs_reminder
from tally.statement import Line, balance, closing_line

__all__ = ["Line", "balance", "closing_line", "needs_reminder"]
