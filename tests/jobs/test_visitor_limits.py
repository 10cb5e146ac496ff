"""What one visitor's sweeps, and all, may take of the server: asked of pages, and not of the command line."""

import shutil
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bgen_core.errors import NoRoomError, UserInputError
from bgen_core.ids import VisitorId
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.submission import submit_sweep
from bgen_core.records.sweep_states import CANCEL, PAUSE
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import forecast
from tests.made_up import commit, made_up_run, made_up_sweep

ADA, MAX = (Visitor(id=VisitorId(name)) for name in ("ada", "max"))


@pytest.fixture
def executor_of(store: Store, settings: Settings) -> Callable[..., LocalExecutor]:
    def of(visitor: Visitor, **given: object) -> LocalExecutor:
        return LocalExecutor(store.seen_by(visitor), load_settings(home=settings.home, **given))

    return of


def test_one_visitor_s_cells_that_wait_are_bounded(
    store: Store, settings: Settings, executor_of: Callable[..., LocalExecutor]
):
    ada = executor_of(ADA, max_queued_cells_each=5)
    first = ada.submit(forecast(store, settings, seeds="1-3"))
    with pytest.raises(UserInputError) as refused:
        ada.submit(forecast(store, settings, seeds="11-13"))
    assert str(refused.value).startswith("Your sweeps have 3 cells to make, these would be 3 more, and 5 are allowed:")
    executor_of(MAX, max_queued_cells_each=5).submit(forecast(store, settings, seeds="21-23"))
    ada.submit(forecast(store, settings, seeds="11-12"))
    store.sweeps.change_state(first, PAUSE)  # a pause is no way around it
    with pytest.raises(UserInputError):
        ada.submit(forecast(store, settings, seeds="31"))
    store.sweeps.change_state(first, CANCEL)
    ada.submit(forecast(store, settings, seeds="31"))
    with pytest.raises(UserInputError, match="these would be 3 more"):  # nor is going on with what was cancelled
        ada.retry(first)


def test_all_cells_that_wait_are_bounded(store: Store, settings: Settings, executor_of: Callable[..., LocalExecutor]):
    executor_of(ADA, max_queued_cells=5).submit(forecast(store, settings, seeds="1-3"))
    with pytest.raises(UserInputError, match="All sweeps have 3 cells to make, these would be 4 more, and 5 are"):
        executor_of(MAX, max_queued_cells=5).submit(forecast(store, settings, seeds="11-14"))
    submit_sweep(store, forecast(store, settings, seeds="11-19"), owner=VisitorId("terminal"))
    with pytest.raises(UserInputError, match="All sweeps have 12 cells to make"):
        executor_of(MAX, max_queued_cells=5).submit(forecast(store, settings, seeds="21"))


def test_cells_that_are_made_wait_no_more(store: Store):
    run = commit(store, made_up_run(1))
    store.sweeps.add(made_up_sweep("s", total=2, state="running"), [run.id, "b" * 64])
    assert store.sweeps.open_cells() == 1
    assert store.sweeps.open_cells(enough=2) == 2
    assert store.sweeps.open_cells(owner=VisitorId("nobody else")) == 0


def test_a_sweep_is_refused_before_the_disk_is_full(
    store: Store, settings: Settings, executor_of: Callable[..., LocalExecutor], monkeypatch: pytest.MonkeyPatch
):
    planned = forecast(store, settings)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=999 * 10**6))
    with pytest.raises(NoRoomError, match="has 999 MB free, and 1,000 MB stay free"):
        executor_of(ADA).submit(planned)
    with pytest.raises(NoRoomError):  # the command line too
        submit_sweep(store, planned)
    assert store.sweeps.select() == []


def test_a_visitor_s_pictures_are_bounded(store: Store, settings: Settings, executor_of: Callable[..., LocalExecutor]):
    commit(store, made_up_run(1, owner="ada"))
    kept = store.pictures.bytes_of(VisitorId("ada"))
    assert kept == sum(file.size for file in store.blobs.listing().pictures.values())
    planned = forecast(store, settings)
    with pytest.raises(NoRoomError, match=r"Your runs have 0\.0 MB of pictures, and 0\.0 MB are allowed: delete some"):
        executor_of(ADA, max_stored_mb_each=kept / 1e6).submit(planned)
    executor_of(ADA, max_stored_mb_each=(kept + 1) / 1e6).submit(planned)
    executor_of(MAX, max_stored_mb_each=1e-6).submit(planned)
