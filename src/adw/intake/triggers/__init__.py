"""What starts work by itself: from a notice that was written down to one workflow, or to a reason why not."""

from adw.intake.triggers.changes import arrivals_of, first_arrivals, labelled_numbers
from adw.intake.triggers.desk import TriggerDesk
from adw.intake.triggers.parts import AskRound, ConfigOf, IsContained, TriggerParts
from adw.intake.triggers.settings import ProjectSettings

__all__ = [
    "AskRound",
    "ConfigOf",
    "IsContained",
    "ProjectSettings",
    "TriggerDesk",
    "TriggerParts",
    "arrivals_of",
    "first_arrivals",
    "labelled_numbers",
]
