"""The stand-in of the Messages API as an ASGI application.

`POST /v1/messages` and `POST /v1/messages/count_tokens` answer from the scenario; `GET /health` and `GET /requests`
(the journal) are for those who drive it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from adw.agents.scripted_model import faults, sse
from adw.agents.scripted_model.answer import Answer, build_answer
from adw.agents.scripted_model.asgi import Exchange, Receive, Scope, Send
from adw.agents.scripted_model.books import entry_for
from adw.agents.scripted_model.journal import Journal, JournalEntry
from adw.agents.scripted_model.matching import Choice, choose
from adw.agents.scripted_model.request import BadRequestError, RequestView, read_request
from adw.agents.scripted_model.scenario import Reply, Scenario
from adw.agents.scripted_model.template import MissingValueError


class ScriptedModel:
    """Answers as the scenario says. Its only memory is the journal, which no answer depends on except by `seen`."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.journal = Journal()
        self._routes: Mapping[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("POST", "/v1/messages"): self._messages,
            ("POST", "/v1/messages/count_tokens"): self._count_tokens,
            ("GET", "/health"): self._health,
            ("GET", "/requests"): self._requests,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = Exchange(scope, receive, send)
            await self._routes.get((exchange.method, exchange.path), _not_found)(exchange)

    async def _messages(self, exchange: Exchange) -> None:
        body = await exchange.body()
        try:
            view = read_request(body, headers=exchange.headers)
            seen = self.journal.sighting(view.digest)
            choice = choose(self.scenario, view, seen=seen)
            answer = build_answer(choice, view)
        except BadRequestError as error:
            await self._refuse(exchange, str(error))
            return
        except MissingValueError as error:
            await self._refuse(exchange, f"the scenario needs ${{{error}}}, which this request does not tell")
            return
        self.journal.record(entry_for(exchange, view=view, choice=choice, answer=answer, seen=seen))
        await _answer(exchange, view=view, choice=choice, answer=answer)

    async def _refuse(self, exchange: Exchange, message: str) -> None:
        self.journal.record(JournalEntry(path=exchange.path, status=400))
        await exchange.respond_json(400, faults.error_body(400, message))

    async def _count_tokens(self, exchange: Exchange) -> None:
        body = await exchange.body()
        try:
            view = read_request(body, headers=exchange.headers)
        except BadRequestError as error:
            await self._refuse(exchange, str(error))
            return
        self.journal.record(JournalEntry(path=exchange.path, status=200, model=view.model, digest=view.digest))
        await exchange.respond_json(200, {"input_tokens": view.input_tokens})

    async def _health(self, exchange: Exchange) -> None:
        await exchange.respond_json(200, {"status": "ok", "service": "scripted-model", "scenario": self.scenario.name})

    async def _requests(self, exchange: Exchange) -> None:
        await exchange.respond_json(200, self.journal.as_json())


async def _not_found(exchange: Exchange) -> None:
    await exchange.respond_json(404, faults.error_body(404, f"{exchange.method} {exchange.path} is not served here."))


async def _answer(exchange: Exchange, *, view: RequestView, choice: Choice, answer: Answer) -> None:
    reply = choice.reply
    await exchange.pause(reply.delay_ms)
    if isinstance(reply.fault, int):
        await faults.send_status(exchange, reply, reply.fault)
    elif reply.fault == "silence":
        await exchange.wait_for_disconnect()
    elif view.stream:
        await _stream(exchange, answer, reply)
    else:
        await _whole(exchange, answer, reply)


async def _stream(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    if reply.fault in faults.BREAKING_FAULTS:
        await faults.send_broken_stream(exchange, answer, reply)
        return
    await exchange.start(200, content_type="text/event-stream", headers=reply.headers)
    await exchange.write(sse.opening(answer))
    await exchange.pause(reply.turn_ms)
    for chunk in sse.contents(answer):
        await exchange.write(chunk)
    await exchange.finish(sse.closing(answer))


async def _whole(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    await exchange.pause(reply.turn_ms)
    if reply.fault in faults.BREAKING_FAULTS:
        await faults.send_broken_whole(exchange, answer, reply)
        return
    await exchange.respond_json(200, answer.as_message(), headers=reply.headers)
