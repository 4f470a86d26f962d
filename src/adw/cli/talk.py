"""Comments and reviews below an issue or a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adw.cli.output import ago

if TYPE_CHECKING:
    from adw.client.types import CommentDict, ReviewDict


def print_talk(comments: Sequence[CommentDict], reviews: Sequence[ReviewDict] = ()) -> None:
    """All of it in the order it was said."""
    said = [(each["createdAt"], _comment(each)) for each in comments]
    said += [(each["submittedAt"], _review(each)) for each in reviews]
    for _, text in sorted(said):
        print(f"\n{text}")


def _comment(each: CommentDict) -> str:
    return f"-- {each['author']}, {ago(each['createdAt'])}\n{each['body']}"


def _review(each: ReviewDict) -> str:
    lines = [
        f"-- {each['author']} {each['state'].replace('_', ' ')} {each['headSha'][:10]}, {ago(each['submittedAt'])}"
    ]
    lines += [each["body"]] if each["body"] else []
    for remark in each["comments"]:
        place = remark["path"] if remark["line"] is None else f"{remark['path']}:{remark['line']}"
        lines.append(f"   {place}: {remark['body']}")
    return "\n".join(lines)
