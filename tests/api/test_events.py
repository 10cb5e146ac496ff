"""Following a sweep: what a stream says first, what is new, how it ends, and how many there may be."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from bgen_core.ids import SweepId
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.records.sweep_states import CANCEL, CLAIM, FINISH
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from pages._ui.routes.api.events import MOST_STREAMS, MOST_STREAMS_EACH, EventStream, OpenStreams, SweepFollower
from tests.api.scripts import ANNA, token, with_token
from tests.made_up import commit, made_up_run, made_up_sweep, run_id
from tests.workers import says

SWEEP = SweepId("sweep-1")
QUICK = {"look_seconds": 0.01, "beat_seconds": 0.05, "longest_seconds": 20.0}


@pytest.fixture
def runs(store: Store) -> list[Any]:
    """Three runs to be made, of which the first one is."""
    runs = [made_up_run(number) for number in range(3)]
    commit(store, runs[0])
    store.sweeps.add(made_up_sweep(SWEEP, cells=runs, owner=ANNA), [run.id for run in runs])
    return runs


@pytest.fixture
def follower(store: Store, settings: Settings, runs: list[Any]) -> SweepFollower:
    seen = store.seen_by(Visitor(id=ANNA))
    return SweepFollower(store=seen, executor=LocalExecutor(seen, settings), sweep_id=SWEEP)


def told(news: Any) -> tuple[Any, ...]:
    """State, cells that are new, and those that failed."""
    return news.sweep.state, [cell.index for cell in news.made], [(cell.index, cell.error) for cell in news.failed]


def test_the_first_look_tells_all_and_later_ones_what_is_new(
    store: Store, settings: Settings, runs: list[Any], follower: SweepFollower
) -> None:
    assert told(follower.look()) == ("queued", [0], [])
    assert follower.look() is None
    commit(store, runs[1])
    assert told(follower.look()) == ("queued", [1], [])
    store.sweeps.change_state(SWEEP, CLAIM)
    store.sweeps.set_cell_error(SWEEP, 2, "It did not fit.")
    assert told(follower.look()) == ("running", [], [(2, "It did not fit.")])
    commit(store, made_up_run(9))  # of another sweep
    assert follower.look() is None
    cells = {2: CellProgress(step=3, of=10, preview="data:long")}
    store.progress.write(says(store), SWEEP, SweepProgress(cells=cells, made=1, began=0.0))
    news = follower.look()
    assert news is not None
    assert news.progress is not None
    assert news.progress.steps == {2: (3, 10)}
    assert "data:long" not in news.model_dump_json()
    assert not store.looks.is_watched()  # a script wants no previews, which cost time
    commit(store, runs[2])
    store.sweeps.change_state(SWEEP, FINISH)
    assert told(follower.look()) == ("done", [2], [])
    assert follower.has_ended


def test_a_cell_that_was_stopped_early_is_told_once_with_its_reason(
    store: Store, runs: list[Any], follower: SweepFollower
) -> None:
    follower.look()
    store.sweeps.stop_cell(SWEEP, 1, "Its preview lags.")
    news = follower.look()
    assert news is not None
    assert told(news) == ("queued", [], [])
    assert [(cell.index, cell.reason) for cell in news.stopped] == [(1, "Its preview lags.")]
    commit(store, runs[1])  # painted after all
    news = follower.look()
    assert news is not None
    assert (told(news), news.stopped) == (("queued", [1], []), [])


class Reader:
    """What reads a stream: its events as they come, and when it goes away."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.text += message.get("body", b"").decode()

    @property
    def events(self) -> list[tuple[str, Any]]:
        blocks = [block.split("\n") for block in self.text.split("\n\n") if block.startswith("event:")]
        return [(block[0].removeprefix("event: "), json.loads(block[2].removeprefix("data: "))) for block in blocks]

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not reached():
                await asyncio.sleep(0.01)


def read(follower: SweepFollower, act: Callable[[Reader, OpenStreams], Awaitable[None]], **limits: float) -> Reader:
    """Open a stream, act while it is open, and wait until it has ended."""

    async def reading() -> Reader:
        reader, streams = Reader(), OpenStreams(**{**QUICK, **limits})
        stream = asyncio.create_task(EventStream(streams, follower)({"type": "http"}, reader.receive, reader.send))
        await act(reader, streams)
        async with asyncio.timeout(20):
            await stream
        assert streams.open.total() == 0
        return reader

    return asyncio.run(reading())


def test_a_stream_ends_with_its_sweep(store: Store, runs: list[Any], follower: SweepFollower) -> None:
    async def act(reader: Reader, streams: OpenStreams) -> None:
        await reader.until(lambda: len(reader.events) == 1)
        commit(store, runs[1])
        await reader.until(lambda: len(reader.events) == 2)
        store.sweeps.change_state(SWEEP, CANCEL)

    events = read(follower, act).events
    assert [(name, data["sweep"]["state"]) for name, data in events] == [
        ("state", "queued"),
        ("news", "queued"),
        ("news", "cancelled"),
        ("end", "cancelled"),
    ]
    assert [[cell["run"] for cell in data["made"]] for _, data in events[:2]] == [[run_id(0)], [run_id(1)]]


def test_a_stream_is_heard_while_nothing_happens(follower: SweepFollower) -> None:
    async def act(reader: Reader, streams: OpenStreams) -> None:
        await reader.until(lambda: ": still here" in reader.text)
        reader.gone.set()

    read(follower, act)


def test_a_stream_ends_after_a_while(follower: SweepFollower) -> None:
    async def act(reader: Reader, streams: OpenStreams) -> None:
        pass

    reader = read(follower, act, longest_seconds=0.5)
    assert [name for name, _ in reader.events] == ["state"]  # no end: whoever follows comes again


def test_who_goes_away_leaves_room(follower: SweepFollower) -> None:
    async def act(reader: Reader, streams: OpenStreams) -> None:
        await reader.until(lambda: bool(reader.events))
        assert streams.open[ANNA] == 1
        reader.gone.set()

    read(follower, act)


@pytest.mark.parametrize(
    ("open_already", "status"), [({ANNA: MOST_STREAMS_EACH}, 429), ({"others": MOST_STREAMS}, 503)]
)
def test_no_more_streams_are_opened_than_may_be(
    follower: SweepFollower, open_already: dict[Any, int], status: int
) -> None:
    async def opening() -> Reader:
        reader, streams = Reader(), OpenStreams()
        streams.open.update(open_already)
        await EventStream(streams, follower)({"type": "http"}, reader.receive, reader.send)
        return reader

    assert asyncio.run(opening()).status == status


def test_who_asks_for_its_head_alone_opens_no_stream(follower: SweepFollower) -> None:
    async def asking() -> Reader:
        reader = Reader()
        async with asyncio.timeout(20):
            await EventStream(OpenStreams(), follower)({"type": "http", "method": "HEAD"}, reader.receive, reader.send)
        return reader

    reader = asyncio.run(asking())
    assert (reader.status, reader.text) == (200, "")


def test_who_has_heard_the_end_is_told_not_to_come_again(store: Store, served: TestClient, runs: list[Any]) -> None:
    client = with_token(served, token(store, "read"))
    store.sweeps.change_state(SWEEP, CANCEL)
    again = client.get(f"/api/v1/sweeps/{SWEEP}/events", headers={"Last-Event-ID": "end"})
    assert again.status_code == 204
    whole = client.get(f"/api/v1/sweeps/{SWEEP}/events", headers={"Last-Event-ID": "3"})
    assert whole.headers["content-type"].startswith("text/event-stream")
    assert [line for line in whole.text.split("\n") if line.startswith("event")] == ["event: state", "event: end"]
