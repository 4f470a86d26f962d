"""What to do about each error, by its code; the page of errors cannot be written while one is missing."""

# ruff: noqa: INP001 - a module beside the pages it writes

from __future__ import annotations

from collections.abc import Mapping

_DEFECT = "report it with the log: this is a defect of the orchestrator"
_BELOW = "see `adw doctor`, then try again"

REMEDIES: Mapping[str, str] = {
    "agent": "read `adw logs ID`, then `adw workflow retry ID`",
    "configuration": "correct the setting that is named; `adw config list` shows where each comes from",
    "conflict": "look at what is in the way, then repeat it or leave it",
    "cooldown": "try again after the seconds that are named, or set `[triggers] cooldown_s`",
    "database": "see `adw db status`, then try again",
    "duplicate_run": "go on with the workflow that is named by `--on`, or cancel it, or end its pull request",
    "duplicate_step": _DEFECT,
    "engine_busy": _DEFECT,
    "fenced": "nothing: another worker goes on with it",
    "forge": "check the address and the token, then try again",
    "git": _BELOW,
    "head_moved": "look at what was added with `adw pr diff NUMBER`, then merge again",
    "incompatible_database": "use the newer version, or another `ADW_DATA_DIR`",
    "infrastructure": _BELOW,
    "internal": _DEFECT,
    "issue_closed": "reopen the issue, or describe the work in a new one",
    "low_disk": "free some space, for example with `adw worktree cleanup`, or lower `ADW_MIN_FREE_DISK_MB`",
    "low_memory": "wait until other programs have ended, or lower `ADW_MIN_FREE_MEMORY_MB`",
    "merge_conflict": "bring the branch up to date with its base, then merge again",
    "model": "try again; a workflow does so by itself",
    "monthly_budget": "raise `[budget] month_usd`, or wait for the next month",
    "not_found": "see the list that the hint names",
    "not_json": _DEFECT,
    "not_mergeable": "see `adw pr show NUMBER`; a draft is ended by marking it ready",
    "open_pull_request": "`adw pr merge NUMBER` or `adw pr close NUMBER`, then start anew",
    "program_not_found": "install the program that is named",
    "program_timeout": "try again; raise the command's `timeout_s` if it needs longer",
    "server_mismatch": "`adw serve --restart`, or another `ADW_DATA_DIR`",
    "step_failed": "`adw workflow retry ID`",
    "unauthenticated": "give the server's token; `server.json` in the data directory holds it",
    "unreachable": "start the server with `adw serve`, or check the address",
    "usage": "correct the command or the request as the hint says",
    "wrong_state": "see `adw workflow show ID` for what the status allows",
}
