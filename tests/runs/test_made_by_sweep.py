from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bgen_core.runs.made_by_sweep import runs_made_by
from bgen_core.store.schema import SweepRow
from bgen_core.store.store import Store
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id

pytestmark = pytest.mark.both_databases

Other = tuple[list[int], int, int | None]  # its cells, when it was submitted and begun, when it ended


def minute(number: int) -> datetime:
    """When run `number` was made."""
    return LONG_AGO + timedelta(minutes=number)


def add(
    store: Store, name: str, numbers: list[int], submitted: int, started: int | None, finished: int | None
) -> None:  # fmt: skip
    cells = [run_id(number) for number in numbers]
    ended = None if finished is None else minute(finished)
    store.sweeps.add(made_up_sweep(name, cells=cells, created=minute(submitted), finished=ended), cells)
    if started is not None:
        with store.database.writing() as session:
            session.execute(sa.update(SweepRow).where(SweepRow.id == name).values(started=minute(started)))


@pytest.mark.parametrize(
    ("submitted", "started", "finished", "other", "own"),
    [
        pytest.param(4, 4, 7, None, range(4, 8), id="between its start and its end"),
        pytest.param(4, 4, None, None, range(4, 10), id="still running"),
        pytest.param(2, None, 7, None, range(2, 8), id="never queued: from its submission"),
        pytest.param(2, 4, 7, ([2, 3], 0, 4), range(4, 8), id="another one made some of its cells while it waited"),
        pytest.param(2, 6, 9, None, range(2, 10), id="stopped and taken up again"),
        pytest.param(3, 6, 9, ([2, 5], 0, 4), range(3, 10), id="the other one had ended by then"),
        pytest.param(2, 6, 9, ([20], 0, None), range(2, 10), id="the other one has other cells"),
        pytest.param(
            2, 6, 9, ([7, 8], 0, None), range(2, 10), id="both were under way: it has what came after it began"
        ),
    ],
)
def test_a_run_belongs_to_the_sweep_that_was_under_way(
    store: Store, submitted: int, started: int | None, finished: int | None, other: Other | None, own: range
) -> None:
    for number in range(10):
        commit(store, made_up_run(number))
    if other is not None:
        add(store, "other", other[0], other[1], other[1], other[2])
    add(store, "sweep", list(range(10)), submitted, started, finished)
    assert runs_made_by(store, "sweep") == {run_id(number) for number in own}


def test_what_is_not_made_belongs_to_nobody(store: Store) -> None:
    add(store, "sweep", [1, 2], 0, 0, None)
    assert runs_made_by(store, "sweep") == frozenset()
    assert runs_made_by(store, "another") == frozenset()
