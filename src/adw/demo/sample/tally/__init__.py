"""Customer statements: what is on them, and what is owed in the end."""

from tally.statement import Line, balance, closing_line

__all__ = ["Line", "balance", "closing_line"]
