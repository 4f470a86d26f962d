"""What may become of something that happened on a forge or by the clock, and every reason for which nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TriggerSource(StrEnum):
    """How we came to know."""

    WEBHOOK = "webhook"
    POLL = "poll"
    SCHEDULE = "schedule"


class Outcome(StrEnum):
    """What became of it. Pending: it is written down and nobody has worked on it yet."""

    PENDING = "pending"
    STARTED = "started"
    HANDED_ON = "handed_on"
    IGNORED = "ignored"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    FAILED = "failed"


class Why(StrEnum):
    """The reasons, apart from the codes of errors that refuse work which was let in: those keep their names."""

    NO_SECRET = "no_secret"  # noqa: S105 # the name of a reason
    BAD_SIGNATURE = "bad_signature"
    TOO_LARGE = "too_large"
    NO_DELIVERY_ID = "no_delivery_id"
    NO_EVENT = "no_event"
    UNKNOWN_ENCODING = "unknown_encoding"
    MALFORMED = "malformed"
    WRONG_SHAPE = "wrong_shape"

    PING = "ping"
    EVENT_NOT_USED = "event_not_used"
    ACTION_NOT_USED = "action_not_used"
    UNKNOWN_REPOSITORY = "unknown_repository"
    TOO_OLD = "too_old"
    NO_TRIGGER = "no_trigger"
    COMMENTS_OFF = "comments_off"
    EDITED_COMMENT = "edited_comment"
    NOTHING_WAITS = "nothing_waits"
    FOREIGN_PULL_REQUEST = "foreign_pull_request"
    OURSELVES = "ourselves"
    BOT = "bot"
    REPEATED = "repeated"

    BLOCKED = "blocked"
    AUTHOR_BLOCKED = "author_blocked"
    NOT_PERMITTED = "not_permitted"
    NOT_CONTAINED = "not_contained"
    ZTE_OFF = "zte_off"
    ZTE_NOT_PERMITTED = "zte_not_permitted"
    UNKNOWN_KIND = "unknown_kind"
    NEEDS_EARLIER_WORK = "needs_earlier_work"
    TEXT_CHANGED = "text_changed"
    NO_ISSUE = "no_issue"
    TOO_MANY_STARTS = "too_many_starts"
    STILL_RUNNING = "still_running"
    SCHEDULE_GONE = "schedule_gone"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one notice. `detail` is a sentence for a person; `adw_id` the workflow it concerns."""

    outcome: Outcome
    why: str | None = None
    detail: str = ""
    adw_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the record of everything that came in."""

    id: int
    source: TriggerSource
    event: str
    outcome: Outcome
    reason: str | None
    detail: str | None
    repository: str | None
    project_id: str | None
    sender: str | None
    number: int | None
    adw_id: str | None
    times: int
    attempts: int
    received_at: datetime
    settled_at: datetime | None


class Refused(Exception):
    """Nothing is started: why, and a sentence that says so to a person. It ends a chain of questions."""

    def __init__(self, why: str, detail: str, *, outcome: Outcome = Outcome.REFUSED) -> None:
        super().__init__(detail)
        self.verdict = Verdict(outcome=outcome, why=why, detail=detail)
