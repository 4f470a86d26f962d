"""What to do about each error, by its code, and what is left after each class of failure.

The pages of errors and failures cannot be written while one is missing.
"""

# ruff: noqa: INP001 - a module beside the pages it writes

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adw.domain.failure import FailureClass

_DEFECT = "report it with the log: this is a defect of the orchestrator"
_BELOW = "see `adw doctor`, then try again"

REMEDIES: Mapping[str, str] = {
    "agent": "read `adw logs ID`, then `adw workflow retry ID`",
    "bad_frame": "send what [the live stream](../concepts/live-stream.md) knows; the socket is still open",
    "configuration": "correct the setting that is named; `adw config list` shows where each comes from",
    "conflict": "look at what is in the way, then repeat it or leave it",
    "cooldown": "try again after the seconds that are named, or set `[triggers] cooldown_s`",
    "database": "see `adw db status`, then try again",
    "duplicate_run": "go on with the workflow that is named by `--on`, or cancel it, or end its pull request",
    "duplicate_step": _DEFECT,
    "engine_busy": _DEFECT,
    "fenced": "nothing: another worker goes on with it",
    "forbidden": "use a token of a larger scope; `adw token create --scope operate` makes one",
    "forge": "check the address and the token, then try again",
    "forge_denied": "give the token, or the app, the right that is named; see `adw doctor`",
    "forge_limit": "wait until the time that is named; all workers wait with you",
    "forge_unclear": "try again: it looks first whether the effect happened",
    "git": _BELOW,
    "head_moved": "look at what was added with `adw pr diff NUMBER`, then merge again",
    "incompatible_database": "use the newer version, or another `ADW_DATA_DIR`",
    "infrastructure": _BELOW,
    "internal": _DEFECT,
    "issue_closed": "reopen the issue, or describe the work in a new one",
    "lagged": "subscribe again after the last `seq` or `cursor` you have",
    "lost_agent": "nothing: another worker goes on with it",
    "lost_turn": "nothing: another worker goes on with it",
    "low_disk": "free some space, for example with `adw worktree cleanup`, or lower `ADW_MIN_FREE_DISK_MB`",
    "low_memory": "wait until other programs have ended, or lower `ADW_MIN_FREE_MEMORY_MB`",
    "merge_conflict": "bring the branch up to date with its base, then merge again",
    "model": "try again; a workflow does so by itself",
    "monthly_budget": "raise `[budget] month_usd`, or wait for the next month",
    "not_found": "see the list that the hint names",
    "not_json": _DEFECT,
    "not_mergeable": "see `adw pr show NUMBER`; a draft is ended by marking it ready",
    "open_pull_request": "`adw pr merge NUMBER` or `adw pr close NUMBER`, then start anew",
    "ports_taken": "let fewer workflows run at once, or give workspaces other ports (`ADW_BACKEND_PORT_START`)",
    "program_not_found": "install the program that is named",
    "program_timeout": "try again; raise the command's `timeout_s` if it needs longer",
    "server_mismatch": "`adw serve --restart`, or another `ADW_DATA_DIR`",
    "step_failed": "`adw workflow retry ID`",
    "text_changed": "read the issue again, then ask again: label it anew, or write a new comment",
    "too_many_requests": "wait for the seconds that are named; look for a program with a wrong token",
    "too_many_subscriptions": "unsubscribe from something, follow `*`, or open another socket",
    "unauthenticated": "give the server's token; `server.json` in the data directory holds it",
    "undelivered": "see `adw notify deliveries` for the reason; try the channel with `adw notify test`",
    "unknown_type": "send what [the live stream](../concepts/live-stream.md) knows; the socket is still open",
    "unreachable": "start the server with `adw serve`, or check the address",
    "usage": "correct the command or the request as the hint says",
    "wrong_state": "see `adw workflow show ID` for what the status allows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """How a failure reads, and what of the phase that failed is left besides what always stays."""

    reads: str
    survives: str


_CONVERSATION = "the unfinished edits and the conversation: a retry takes both up again"
_COMMITS = "the commits of the attempt; a retry begins a fresh conversation on the last one"

AFTERMATHS: Mapping[FailureClass, Aftermath] = {
    FailureClass.TRANSIENT: Aftermath(
        reads="the implementor did not finish: API Error: 529 ...", survives=_CONVERSATION
    ),
    FailureClass.USAGE_LIMIT: Aftermath(reads="the planner did not finish: API Error: 429 ...", survives=_CONVERSATION),
    FailureClass.BUDGET_EXCEEDED: Aftermath(reads="more money was denied by ann", survives=_CONVERSATION),
    FailureClass.AGENT_ERROR: Aftermath(reads="the implementor changed nothing", survives=_COMMITS),
    FailureClass.GATE_FAILED: Aftermath(
        reads="`make lint` has new errors: ...",
        survives=f"{_COMMITS}. Where a credential was found nothing was pushed: the edits stay in the worktree only",
    ),
    FailureClass.CONFLICT: Aftermath(
        reads="branch bug-7 is 0a1b2c3d4e5f on the remote, not 9f8e7d6c5b4a as recorded",
        survives="the commits of both sides; nobody's commit is overwritten",
    ),
    FailureClass.FORGE: Aftermath(
        reads="the forge says it merged as 0a1b2c3d4e5f, but main does not have that commit",
        survives="everything; what did reach the forge is found again and not done twice",
    ),
    FailureClass.INFRASTRUCTURE: Aftermath(reads="an agent ended without a result", survives=_CONVERSATION),
    FailureClass.CONFIGURATION: Aftermath(
        reads="the price of model 'x' is unknown, so its budget cannot be kept; ...",
        survives="everything. A retry reads the program's settings anew; `adw.toml` stays that of the base commit, so "
        "after a change there hand the work in anew",
    ),
    FailureClass.CANCELLED: Aftermath(
        reads="the plan was denied by ann: too much", survives="everything; a retry does the phase again and asks again"
    ),
    FailureClass.INTERNAL: Aftermath(
        reads="KeyError: 'head'", survives="everything up to the last step that was recorded"
    ),
}
