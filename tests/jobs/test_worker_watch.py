"""When a worker counts as hung: a table of what it says, second by second."""

import pytest

from bgen_core.jobs.worker_watch import LOADING_FACTOR, WorkerWatch
from bgen_core.records.worker import WorkerRecord
from tests.workers import record

LIMIT = 10


def says(state: str, *, beat: float, signs: int) -> WorkerRecord:
    return record(state=state, beat=beat, signs=signs)


@pytest.mark.parametrize(
    ("at", "hung_from"),
    [
        pytest.param(lambda now: None, LIMIT * LOADING_FACTOR, id="it never says a word"),
        pytest.param(lambda now: says("painting", beat=now, signs=now), None, id="it gets on"),
        pytest.param(lambda now: says("painting", beat=now, signs=now // 9), None, id="its steps are slow"),
        pytest.param(lambda now: says("painting", beat=now, signs=3), LIMIT, id="only its heart beats"),
        pytest.param(lambda now: says("ready", beat=now, signs=3), LIMIT, id="it no longer looks into the queue"),
        pytest.param(lambda now: says("painting", beat=min(now, 5), signs=min(now, 5)), LIMIT + 5, id="it was stopped"),
        pytest.param(lambda now: says("loading", beat=now, signs=3), LIMIT * LOADING_FACTOR, id="a model never comes"),
        pytest.param(lambda now: says("loading", beat=min(now, 5), signs=3), LIMIT + 5, id="stopped while it loads"),
        pytest.param(lambda now: says("painting", beat=now - 9**6 * (now > 4), signs=now), None, id="its clock jumps"),
    ],
)  # fmt: skip
def test_a_worker_hangs_when_it_shows_no_progress_within_its_limit(at, hung_from: int | None):
    watch = WorkerWatch(limit=LIMIT, began=0)
    hung = next((now for now in range(1, 200) if watch.hangs(at(now), now)), None)
    assert hung == (None if hung_from is None else pytest.approx(hung_from + 1, abs=1))


def test_a_time_in_which_nobody_could_say_anything_counts_for_nothing():
    watch = WorkerWatch(limit=LIMIT, began=0)
    assert not watch.hangs(says("painting", beat=1, signs=1), 1)
    watch.forgive(300)
    assert not watch.hangs(says("painting", beat=1, signs=1), 301)
    assert watch.hangs(says("painting", beat=1, signs=1), 301 + LIMIT)
