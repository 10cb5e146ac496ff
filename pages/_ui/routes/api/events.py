"""Following a sweep by server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    event: state    all that is known, first in every stream: who connects again needs nothing of before
    event: news     what has changed since the last event
    event: end      the sweep has come to its end; the stream too

Comments come where nothing else does, so that proxies keep the connection.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from anyio import CapacityLimiter, create_task_group
from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bgen_core.api.answers import FailedCell, MadeCell, Progress, StoppedCell, SweepNews
from bgen_core.api.described import has_failed, sweep_answer
from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import SweepId, VisitorId
from bgen_core.jobs.executors.executor import Executor
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import ENDED_STATES
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.identity.refusals import problem
from pages._ui.routes.api.call import Call, found
from pages._ui.routes.api.server_end import SERVER_END

MOST_STREAMS = 64
MOST_STREAMS_EACH = 8
LAST_ID = "end"  # who comes again with it has heard the end

_EVENT_STREAM = {
    "Cache-Control": "no-store",
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would keep events until it has many
}


@dataclass(kw_only=True)
class OpenStreams:
    """Streams that are open in this process. Not thread-safe: for one event loop.

    Attributes
    ----------
    look_seconds
        Between two looks at a sweep.
    beat_seconds
        After which a comment comes where nothing else does.
    longest_seconds
        After which a stream ends, and whoever follows comes again: with a token that may be revoked meanwhile.
    """

    look_seconds: float = 1.0
    beat_seconds: float = 15.0
    longest_seconds: float = 600.0
    open: Counter[VisitorId] = field(default_factory=Counter[VisitorId])
    looking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))

    def follow(self, call: Call) -> Response:
        """The stream of a sweep; where its end was heard already, an answer that lets nobody come again."""
        record = found(lambda: call.store.sweeps.get(call.sweep_id))
        if call.request.headers.get("last-event-id") == LAST_ID and record.state in ENDED_STATES:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return EventStream(self, SweepFollower(store=call.store, executor=call.executor, sweep_id=record.id))

    def refusal(self, visitor: VisitorId) -> Response | None:
        """Why no further stream is opened, if none is."""
        again = {"Retry-After": "10"}
        if self.open[visitor] >= MOST_STREAMS_EACH:
            sentence = f"You follow {MOST_STREAMS_EACH} sweeps already, which are all you may: close a stream."
            return problem(429, sentence, again)
        if self.open.total() >= MOST_STREAMS:
            sentence = f"{MOST_STREAMS} sweeps are followed already, which are all that may be: ask for its state."
            return problem(503, sentence, again)
        return None


@dataclass(kw_only=True)
class SweepFollower:
    """What is new of one sweep since the last look."""

    store: SeenStore
    executor: Executor
    sweep_id: SweepId
    _revision: str = ""
    _record: SweepRecord | None = None
    _progress: Progress | None = None
    _made: set[int] = field(default_factory=set[int])
    _failed: dict[int, str] = field(default_factory=dict[int, str])
    _stopped: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def has_ended(self) -> bool:
        return self._record is not None and self._record.state in ENDED_STATES

    def look(self) -> SweepNews | None:
        """What is new, or None where nothing is.

        Raises
        ------
        UserInputError
            The sweep is gone, or not this visitor's to see any more.
        StoreError
            Nobody can say now.
        """
        revision = self.store.revision()  # before looking: what comes in between is seen by the next look
        progress = self._progress_now()
        if revision == self._revision and progress == self._progress:
            return None
        record = self.store.sweeps.get(self.sweep_id)
        cells = self.store.sweeps.cells(self.sweep_id)
        made = [MadeCell(index=cell.index, run=cell.run_id) for cell in cells if cell.done]
        failed = {cell.index: cell.error for cell in cells if has_failed(cell)}
        stopped = {cell.index: cell.error for cell in cells if cell.is_stopped}
        news = SweepNews(
            sweep=sweep_answer(record, self.store.visitor.id),
            made=[each for each in made if each.index not in self._made],
            failed=[
                FailedCell(index=index, error=error)
                for index, error in failed.items()
                if self._failed.get(index) != error
            ],
            stopped=[
                StoppedCell(index=index, reason=reason)
                for index, reason in stopped.items()
                if self._stopped.get(index) != reason
            ],
            progress=progress,
        )
        is_new = record != self._record or bool(news.made or news.failed or news.stopped) or progress != self._progress
        self._revision, self._record, self._progress = revision, record, progress
        self._made, self._failed, self._stopped = {each.index for each in made}, failed, stopped
        return news if is_new else None

    def _progress_now(self) -> Progress | None:
        now = self.executor.events(self.sweep_id, previews=False)
        if now is None:
            return None
        return Progress(
            made=now.made,
            cells=len(now.cells),
            steps={index: (cell.step, cell.of) for index, cell in now.cells.items()},
            fetched=now.fetched,
            to_fetch=now.to_fetch,
            measuring=now.measuring,
        )


class EventStream(Response):
    """The answer that does not end before its sweep does, or whoever reads it has gone."""

    def __init__(self, streams: OpenStreams, follower: SweepFollower) -> None:
        super().__init__()
        self._streams, self._follower = streams, follower

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor, streams = self._follower.store.visitor.id, self._streams
        if refusal := streams.refusal(visitor):
            await refusal(scope, receive, send)
            return
        if scope.get("method") == "HEAD":  # nobody would hear it, and the connection would wait for its end
            await Response(headers=_EVENT_STREAM)(scope, receive, send)
            return
        streams.open[visitor] += 1
        try:
            async with create_task_group() as tasks:

                async def until_gone(cancel: Callable[[], None]) -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    cancel()

                tasks.start_soon(until_gone, tasks.cancel_scope.cancel)
                await self._send_all(send)
                tasks.cancel_scope.cancel()
        finally:
            streams.open[visitor] -= 1
            streams.open += Counter()  # what is at 0 is forgotten

    async def _send_all(self, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in _EVENT_STREAM.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with aclosing(self._events()) as events:
            async for text in events:
                await send({"type": "http.response.body", "body": text.encode("utf-8", "replace"), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncGenerator[str]:
        streams, clock = self._streams, asyncio.get_running_loop().time
        end, spoken, number = clock() + streams.longest_seconds, clock(), 0
        yield "retry: 3000\n\n"
        while clock() < end and not SERVER_END.has_begun:
            try:
                news = await run_sync(self._follower.look, limiter=streams.looking)
            except UserInputError:  # it is gone, or hidden now: whoever comes again reads that
                return
            except StoreError as error:
                told(error)
                news = None
            if news is not None:
                yield _event("news" if number else "state", str(number), news)
                number, spoken = number + 1, clock()
                if self._follower.has_ended:
                    yield _event("end", LAST_ID, news)
                    return
            elif clock() - spoken >= streams.beat_seconds:
                yield ": still here\n\n"
                spoken = clock()
            await asyncio.sleep(streams.look_seconds)


def _event(kind: str, name: str, news: SweepNews) -> str:
    return f"event: {kind}\nid: {name}\ndata: {news.model_dump_json()}\n\n"
