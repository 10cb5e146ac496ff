"""A command line's sweep, a real process with the embedded model, that is stopped by a signal and killed.

How it is paused, continued and cancelled from the page is in `tests/browser/test_sweep_in_browser.py`.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.leases.holding import is_held, requeue_orphans
from bgen_core.jobs.leases.member import Member
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.batch_sizes import BatchSizes
from tests.forking import starting
from tests.terminal import new_sweep, sweeping
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

CELLS = 200  # more than are made before somebody stops it


@pytest.fixture(autouse=True)
def known_batch_sizes(settings: Settings, batch_sizes: BatchSizes) -> Iterator[None]:
    with batch_sizes.known_in(settings.home):
        yield


def only_sweep(store: Store) -> str:
    wait_until(lambda: store.sweeps.select(), "the sweep")
    return store.sweeps.select()[0].id


def made(store: Store, sweep_id: str) -> int:
    return sum(cell.done for cell in store.sweeps.cells(sweep_id))


def test_a_signal_that_ends_it_while_it_waits_and_a_kill_while_it_paints(
    store: Store, settings: Settings, tmp_path: Path
):
    executor, member = LocalExecutor(store, settings), Member(store, "worker")
    with starting(sweeping(tmp_path, settings.home, new_sweep(tmp_path, cells=CELLS))) as line:
        sweep_id = only_sweep(store)
        assert executor.pause(sweep_id)  # while the model is loaded
        line.waits_until_it_says("paused from the app; waiting")
        line.process.send_signal(signal.SIGTERM)  # as a logout, or a container that ends
        assert line.ends() == 130
        line.waits_until_it_says(
            f"stopped; what is made is kept. Continue with: python -m bgen_core sweep --resume {sweep_id}"
        )
    assert store.sweeps.get(sweep_id).state == "cancelled"

    with starting(sweeping(tmp_path, settings.home, ["--resume", sweep_id])) as line:
        wait_until(lambda: made(store, sweep_id), "a picture")
        requeue_orphans(store, member)
        assert store.sweeps.get(sweep_id).state == "running"
        line.process.kill()
        line.ends()
        assert not is_held(store, sweep_id)
        requeue_orphans(store, member)
    assert executor.events(sweep_id) is None
    claimed = store.sweeps.claim_next()
    assert claimed is not None and claimed.id == sweep_id
