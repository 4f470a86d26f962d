"""What makes a page about a change trustworthy: it says something, and the files it names are there.

A page makes a claim about a file by naming it in backticks, the way paths are written. Commands, addresses, patterns
and expressions are no claims, and neither is anything in a block of code.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from adw.domain.naming import slugify

FOLDER = "app_docs"
MIN_CHARS = 60
_MOST_LOST_LINES = 2
"""Of a changelog: an entry takes the place of a line such as "nothing yet", and stands where a blank was."""
_LISTED = 8

_CHANGELOG = re.compile(
    r"(changelog|changes|history|news|release[-_]?notes)(\.(md|markdown|rst|txt|adoc))?", re.IGNORECASE
)
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_TICKS = re.compile(r"(?<!`)`+(?!`)")
_POSITION = re.compile(r"(?::\d+(?:[-:]\d+)*|#L?\d+(?:-L?\d+)?|::[\w.:\[\]-]+)$")
_PLAIN = re.compile(r"[\w.+-][\w.+@~-]*(?:/[\w.+@~()\[\]-]+)*")
_HOST = re.compile(r"(www\..+|localhost|.+\.(com|org|net|io|dev|app|ai|gov|edu|co|example))", re.IGNORECASE)

_PLAIN_ENDINGS = frozenset(
    "adoc bash bat clj cpp cs css csv cxx dart ex exs fish go gradle graphql hpp htm html ini ipynb java jl jsx kt kts "  # noqa: SIM905 - words are read more easily
    "less lua markdown md mdx mjs ml nix php pl po proto ps1 py pyi pyx rb rs rst sass scala scss sh sql svelte svg "
    "swift tex tf toml ts tsx txt vue xml yaml yml zig zsh".split()
)
"""Endings that make even a single word a file's name; `response.json` and `node.js` may be something else."""
_ENDINGS_BELOW_A_FOLDER = _PLAIN_ENDINGS | {"cc", "cfg", "cjs", "conf", "gif", "jpg", "js", "json", "pdf", "png"}
_SHORT_ENDINGS = frozenset({"c", "d", "h", "m", "r"})
"""Believed only where folder and name are words: `a/b.c` may be arithmetic."""
_NAMES = frozenset({"dockerfile", "gemfile", "justfile", "license", "makefile", "procfile", "rakefile", "readme"})


class Fault(StrEnum):
    """What can be wrong with a page."""

    MISSING = "missing"
    TRIVIAL = "trivial"
    STRAYED = "strayed"
    """Other files were changed as well."""
    UNKNOWN_PATHS = "unknown_paths"
    UNRELATED = "unrelated"
    CHANGELOG = "changelog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault, in words for the one who wrote the page."""

    fault: Fault
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changelog:
    """A project's changelog as it was and as it is now."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was written and what it has to be true to. All paths are relative to the repository."""

    path: str
    text: str | None
    files: Collection[str]
    """Everything in the repository at that commit, the page itself included."""
    changed: Collection[str]
    """What the work changed, without its plan and this page."""
    others: Sequence[str] = ()
    """What was changed while the page was written and must not have been."""
    changelog: Changelog | None = None


def page_path(*, adw_id: str, slug: str) -> str:
    """Where the page of a workflow is written, relative to the workspace."""
    return f"{FOLDER}/feature-{adw_id}-{slugify(slug)}.md"


def find_changelog(files: Iterable[str]) -> str | None:
    """The changelog a project keeps in its top folder; of several, the one with the most usual name."""
    found = [path for path in files if _CHANGELOG.fullmatch(path)]
    order = ("changelog", "changes", "history", "release", "news")
    return min(found, key=lambda path: (_rank(path.lower(), order), path), default=None)


def judge(page: Page) -> list[Problem]:
    """Everything that is wrong with the page; nothing when it can be accepted."""
    problems: list[Problem] = []
    if page.others:
        problems.append(Problem(fault=Fault.STRAYED, text=f"other files were changed: {_listed(page.others)}"))
    text = (page.text or "").strip()
    if not text:
        problems.append(Problem(fault=Fault.MISSING, text=f"{page.path} was not written"))
    elif len(text) < MIN_CHARS:
        problems.append(Problem(fault=Fault.TRIVIAL, text=f"{page.path} has only {len(text)} characters"))
    else:
        problems += _path_problems(page, text)
    if page.changelog is not None:
        problems += _changelog_problems(page.changelog)
    return problems


def named_files(text: str, *, files: Collection[str]) -> tuple[list[str], list[str]]:
    """The files a page names, in order: those that are there, as they are called there, and those that are not."""
    by_name: dict[str, list[str]] = {}
    for path in files:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for span in code_spans(text):
        path = _as_path(span)
        if path is None:
            continue
        found = [path] if path in files else by_name.get(path, [])
        known.update(dict.fromkeys(found))
        if not found and _is_claim(path):
            unknown[path] = None
    return list(known), list(unknown)


def code_spans(text: str) -> list[str]:
    """What stands between backticks in Markdown, without its blocks of code."""
    return [span for paragraph in _paragraphs(text) for span in _spans(paragraph)]


def without_file(diff: str, path: str) -> str:
    """A unified diff without what it says about one file."""
    parts = re.split(r"(?m)^(?=diff --git )", diff)
    return "".join(part for part in parts if not part.partition("\n")[0].endswith(f" b/{path}"))


def _path_problems(page: Page, text: str) -> list[Problem]:
    known, unknown = named_files(text, files=page.files)
    problems: list[Problem] = []
    if unknown:
        said = f"{page.path} names files that do not exist: {_listed(unknown)}"
        problems.append(Problem(fault=Fault.UNKNOWN_PATHS, text=said))
    there = set(page.changed) & set(page.files)
    if there and there.isdisjoint(known):
        said = f"{page.path} names none of the changed files in backticks: {_listed(sorted(there))}"
        problems.append(Problem(fault=Fault.UNRELATED, text=said))
    return problems


def _changelog_problems(changelog: Changelog) -> list[Problem]:
    before, after = _lines(changelog.before), _lines(changelog.after)
    lost = (before - after).total()
    if not after - before:
        return [Problem(fault=Fault.CHANGELOG, text=f"{changelog.path} gained no line about this change")]
    if lost > _MOST_LOST_LINES:
        return [Problem(fault=Fault.CHANGELOG, text=f"{changelog.path} lost {lost} lines; only add to it")]
    return []


def _spans(paragraph: str) -> Iterator[str]:
    """As many backticks as open a span close it; those that never close are backticks."""
    runs = list(_TICKS.finditer(paragraph))
    after = 0
    for number, opening in enumerate(runs, start=1):
        if opening.start() < after:
            continue
        closing = next((run for run in islice(runs, number, None) if len(run[0]) == len(opening[0])), None)
        if closing is not None:
            yield " ".join(paragraph[opening.end() : closing.start()].split())
            after = closing.end()


def _paragraphs(text: str) -> list[str]:
    """What stands between empty lines and blocks of code: a span never reaches beyond them."""
    found: list[list[str]] = [[]]
    fence: str | None = None
    for line in text.splitlines():
        opening = _FENCE.match(line)
        if fence is not None:
            bare = line.strip()
            fence = None if bare.startswith(fence) and not bare.strip(fence[0]) else fence
        elif opening is not None or not line.strip():
            fence = opening and opening[1]
            found.append([])
        else:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found if lines]


def _as_path(span: str) -> str | None:
    """The span as a path from the top folder, without a position in the file; None when it cannot be one."""
    bare = _POSITION.sub("", span).removeprefix("./")
    if bare.startswith("../"):
        bare = posixpath.normpath(posixpath.join(FOLDER, bare))
    if not _PLAIN.fullmatch(bare) or bare.startswith(("-", "../")):
        return None
    return None if "/" in bare and _HOST.fullmatch(bare.partition("/")[0]) else bare


def _is_claim(path: str) -> bool:
    """Whether somebody who writes this must mean a file; doubtful ones count only when they are there."""
    folder, name = posixpath.split(path)
    stem, _, ending = name.lower().rpartition(".")
    if set(path) & set("()[]"):
        return False
    if not folder:
        return bool(stem) and ending in _PLAIN_ENDINGS
    if name.lower() in _NAMES:
        return True
    if ending in _SHORT_ENDINGS:
        return len(stem) > 1 and all(len(part) > 1 for part in folder.split("/"))
    return bool(stem) and ending in _ENDINGS_BELOW_A_FOLDER


def _lines(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if line.strip())


def _rank(name: str, order: Sequence[str]) -> int:
    return next(number for number, each in enumerate(order) if name.startswith(each))


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return ", ".join(f"`{path}`" for path in paths[:_LISTED]) + more
