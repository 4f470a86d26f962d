"""Where documents begin: what can be asked, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel

from adw.forge.github_stand_in.access import Actor, demand
from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects import Effects
from adw.forge.github_stand_in.effects.merges import Wish
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.graph.language import Execution, Thing
from adw.forge.github_stand_in.graph.things import Things
from adw.forge.github_stand_in.records import Issue, Pull, Repository, ReviewComment
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.core import node_number
from adw.forge.github_stand_in.world import World

Input = Mapping[str, Any]


class Question(BaseModel):
    """A document, which of its operations to carry out, and with what."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - GraphQL's word


@route("POST", "/graphql", needs="account")
async def answer(call: Call) -> Reply:
    """Refusals are errors inside a success, as GraphQL has it."""
    question = call.read(Question)
    execution = Execution(question.query, operation=question.operationName, variables=question.variables or {})
    root = Root(call.world, call.effects, Things(call.effects, call.shapes), call.actor)
    return Reply(json=await execution.run(root.mutation() if execution.is_mutation else root.query()))


class Root:
    """The two roots, for one asker."""

    def __init__(self, world: World, effects: Effects, things: Things, actor: Actor) -> None:
        self._world = world
        self._effects = effects
        self._things = things
        self._actor = actor

    def query(self) -> Thing:
        return {
            "__typename": "Query",
            "viewer": lambda: {**self._things.actor(self._login), "__typename": "User", "login": self._login},
            "repository": self._repository,
            "node": self._node,
        }

    def mutation(self) -> Thing:
        return {
            "__typename": "Mutation",
            "resolveReviewThread": partial(self._resolve, resolved=True),
            "unresolveReviewThread": partial(self._resolve, resolved=False),
            "addPullRequestReviewThreadReply": self._reply,
            "markPullRequestReadyForReview": partial(self._draft, draft=False),
            "convertPullRequestToDraft": partial(self._draft, draft=True),
            "enablePullRequestAutoMerge": self._enable,
            "disablePullRequestAutoMerge": self._disable,
        }

    @property
    def _login(self) -> str:
        return self._actor.login or ""

    def _repository(self, *, owner: str, name: str) -> Thing:
        try:
            repository = self._world.repository(f"{owner}/{name}")
            demand(self._world, self._actor, repository, "read")
        except RefusedError as error:
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            raise not_found(message) from error
        return self._things.repository(repository)

    def _node(self, *, id: str) -> Thing:  # noqa: A002 - GraphQL's word
        if node_number(id, "PRRT") is not None:
            return self._things.thread(*self._thread(id, wanted="read"))
        return self._things.pull(*self._pull(id, wanted="read"))

    def _resolve(self, *, input: Input, resolved: bool) -> Thing:  # noqa: A002 - GraphQL's word
        repository, issue, pull, root = self._thread(str(input.get("threadId")), wanted="write")
        self._effects.reviews.resolve(repository, issue, pull, root, resolved=resolved, sender=self._login)
        return {"__typename": "Payload", "thread": self._things.thread(repository, issue, pull, root)}

    def _reply(self, *, input: Input) -> Thing:  # noqa: A002 - GraphQL's word
        thread = str(input.get("pullRequestReviewThreadId"))
        repository, issue, pull, root = self._thread(thread, wanted="read")
        body = str(input.get("body") or "")
        made = self._effects.reviews.reply(repository, issue, pull, root, body=body, author=self._login)
        return {"__typename": "Payload", "comment": self._things.comment(repository, made)}

    def _draft(self, *, input: Input, draft: bool) -> Thing:  # noqa: A002 - GraphQL's word
        repository, issue, pull = self._pull(str(input.get("pullRequestId")), wanted="write")
        if issue.state != "open":
            raise unprocessable("Pull request is closed")
        self._effects.pulls.set_draft(repository, issue, pull, draft=draft, sender=self._login)
        return self._payload(repository, issue, pull)

    async def _enable(self, *, input: Input) -> Thing:  # noqa: A002 - GraphQL's word
        repository, issue, pull = self._pull(str(input.get("pullRequestId")), wanted="write")
        if issue.state != "open" or pull.draft:
            raise unprocessable("Pull request is not open, or a draft")
        if input.get("expectedHeadOid") not in {None, pull.head_sha}:
            raise unprocessable("The head of the pull request is not the commit that was expected")
        wish = Wish(
            method=str(input.get("mergeMethod") or "MERGE").lower(),
            title=input.get("commitHeadline"),
            message=input.get("commitBody"),
        )
        await self._effects.merges.enable_auto(repository, issue, pull, wish, sender=self._login)
        return self._payload(repository, issue, pull)

    def _disable(self, *, input: Input) -> Thing:  # noqa: A002 - GraphQL's word
        repository, issue, pull = self._pull(str(input.get("pullRequestId")), wanted="write")
        self._effects.merges.disable_auto(repository, issue, pull, sender=self._login)
        return self._payload(repository, issue, pull)

    def _payload(self, repository: Repository, issue: Issue, pull: Pull) -> Thing:
        return {"__typename": "Payload", "pullRequest": self._things.pull(repository, issue, pull)}

    def _pull(self, node_id: str, *, wanted: str) -> tuple[Repository, Issue, Pull]:
        number = node_number(node_id, "PR")
        for repository in self._world.repositories.values():
            for issue in repository.issues.values():
                if issue.id == number and issue.pull is not None:
                    demand(self._world, self._actor, repository, wanted)
                    return repository, issue, issue.pull
        raise not_found(f"Could not resolve to a node with the global id of '{node_id}'")

    def _thread(self, node_id: str, *, wanted: str) -> tuple[Repository, Issue, Pull, ReviewComment]:
        number = node_number(node_id, "PRRT")
        for repository in self._world.repositories.values():
            for issue in repository.issues.values():
                for comment in issue.pull.comments if issue.pull else ():
                    if comment.id == number and comment.in_reply_to is None and issue.pull is not None:
                        demand(self._world, self._actor, repository, wanted)
                        return repository, issue, issue.pull, comment
        raise not_found(f"Could not resolve to a node with the global id of '{node_id}'")
