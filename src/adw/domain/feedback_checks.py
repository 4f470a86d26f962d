"""Why a check failed, from its conclusion and the end of its output: rules, never a model.

What stopped it before it tested anything is no fault of the change; what only happens now and then is tried again.
"""

from __future__ import annotations

import hashlib
import re

from adw.domain.feedback import FailedCheck, Fault
from adw.domain.forge_checks import Check
from adw.domain.stuck import lasting

EXCERPT_CHARS = 6_000
_SIGNED_LINES = 40

_NOT_STARTED = frozenset({"startup_failure", "stale", "action_required"})
_CUT_OFF = frozenset({"cancelled", "timed_out"})

_MONEY = re.compile(
    r"account payments have failed|spending limit|billing (?:is locked|issue|problem)|payment (?:is )?required"
    r"|exceeded (?:your|the|its) (?:\w+ ){0,3}(?:minutes|quota|credits)|out of (?:\w+ )?(?:minutes|credits)"
    r"|(?:minutes|usage) quota (?:has been |was )?exceeded",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"runner has received a shutdown signal|lost communication with the server|no space left on device"
    r"|runner (?:was|is) (?:lost|offline)|hosted runner encountered an error|the operation was canceled"
    r"|cannot connect to the docker daemon|out of memory: killed",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"could not resolve host|temporary failure in name resolution|connection (?:timed out|reset by peer)"
    r"|TLS handshake timeout|\b50[234] (?:bad gateway|service unavailable|gateway time-?out)|toomanyrequests"
    r"|rate limit exceeded|\bE(?:TIMEDOUT|CONNRESET|AI_AGAIN)\b|failed to download action|network is unreachable",
    re.IGNORECASE,
)
_CHANCE = re.compile(
    r"\bflak(?:e|y)\b|timeout ?error|timed out|deadline exceeded|deadlock detected|address already in use"
    r"|data race|connection refused",
    re.IGNORECASE,
)
_TESTED = re.compile(
    r"\b\d+ (?:passed|failed|failing|passing|tests?|errors?)\b|\bFAILED\b|--- FAIL|AssertionError|SyntaxError"
    r"|\berror(?:\[\w+\])?: |npm ERR!|BUILD FAILED|Traceback \(most recent call last\)"
)
_TELLING = re.compile(r"error|fail|assert|exception|expected|panic|cannot|undefined|not found", re.IGNORECASE)
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?", re.MULTILINE)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def judge_check(check: Check, log: str, *, red_on_base: bool) -> FailedCheck:
    """A red check and the end of its output as a failure with its fault."""
    text = plain_log(log)
    return FailedCheck(
        id=check.id,
        name=check.name,
        fault=_fault(check, text, red_on_base=red_on_base),
        signature=signature(f"{check.summary}\n{text}"),
        excerpt=(text or check.summary)[-EXCERPT_CHARS:],
        can_rerun=check.can_rerun,
        url=check.url,
    )


def plain_log(log: str) -> str:
    """Without colours and without the time at the beginning of each line."""
    return _STAMP.sub("", _ESCAPE.sub("", log)).strip()


def signature(text: str) -> str:
    """The same for two runs that fail in the same way: from the last lines that say what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)] or lines
    kept = "\n".join(lasting(line) for line in telling[-_SIGNED_LINES:])
    return hashlib.sha256(kept.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _fault(check: Check, text: str, *, red_on_base: bool) -> Fault:
    said = f"{check.summary}\n{text}"
    has_tested = _TESTED.search(said) is not None
    if not has_tested and _MONEY.search(said):
        return Fault.BILLING
    if check.conclusion in _NOT_STARTED or _MACHINE.search(said):
        return Fault.INFRASTRUCTURE
    if not has_tested and (check.conclusion in _CUT_OFF or _NETWORK.search(said)):
        return Fault.INFRASTRUCTURE
    if red_on_base:
        return Fault.PREEXISTING
    if check.conclusion in _CUT_OFF or _NETWORK.search(said) or _CHANCE.search(said):
        return Fault.FLAKY
    return Fault.REGRESSION
