"""Several processes and threads on one store, and processes that are killed in the middle of a commit."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bgen_core.content_address import hash_bytes
from bgen_core.records.sweep import SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id

pytestmark = [pytest.mark.slow, pytest.mark.both_databases, pytest.mark.usefixtures("forked_processes")]

PROJECT = Path(__file__).parents[2]


def start_writer(settings: Settings, first: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.commit_forever", str(settings.home), str(first), str(count)],
        cwd=PROJECT,
        env=os.environ | {"BGEN_DATABASE": settings.database},
        stdout=subprocess.PIPE,
        text=True,
    )


def outputs(writers: Sequence[subprocess.Popen[str]]) -> list[list[str]]:
    lines = [writer.communicate(timeout=60)[0].splitlines() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * len(writers)
    return lines


def assert_every_run_is_whole(store: Store) -> None:
    for run in store.runs.select():
        for blob in (run.image, run.raw):
            assert hash_bytes(store.blobs.get(blob)) == blob


def test_processes_that_open_a_new_store_at_once_share_it(settings: Settings) -> None:
    # Their runs overlap: 0…29, 10…39, 20…49.
    writers = [start_writer(settings, first, 30) for first in (0, 10, 20)]
    outputs(writers)
    with open_store(settings) as store:
        assert {run.id for run in store.runs.select()} == {run_id(number) for number in range(50)}
        assert_every_run_is_whole(store)


def test_no_sweep_is_claimed_by_two_processes(store: Store, settings: Settings) -> None:
    names = [f"sweep-{number}" for number in range(40)]
    for number, name in enumerate(names):
        store.sweeps.add(made_up_sweep(name, created=LONG_AGO + timedelta(seconds=number)), [])
    lines = outputs([start_writer(settings, 0, 0) for _ in range(2)])
    claimed = [line.removeprefix("claimed ") for its in lines for line in its]
    assert sorted(claimed) == sorted(names)


def test_a_killed_process_leaves_no_row_without_its_pictures(settings: Settings) -> None:
    chance = random.Random(1)
    promised: set[str] = set()
    for attempt in range(6):
        writer = start_writer(settings, attempt * 1000, 1000)
        assert writer.stdout is not None
        promised.add(run_id(int(writer.stdout.readline())))
        time.sleep(chance.uniform(0, 0.4))
        writer.kill()
        promised |= {run_id(int(line)) for line in writer.communicate()[0].splitlines() if line.isdecimal()}
    with open_store(settings) as store:
        known = store.runs.known(promised)
        assert known == promised
        assert_every_run_is_whole(store)
        commit(store, made_up_run(999_999))
    # What was not committed lies apart from the pictures, where nobody takes it for one.
    pictures = [path for path in Path(settings.blob_root).glob("??/*") if path.is_file()]
    assert all(hash_bytes(path.read_bytes()) == path.stem for path in pictures)


def test_threads_share_one_store(store: Store) -> None:
    faults: list[BaseException] = []
    claimed: list[SweepRecord] = []
    for number in range(8):
        store.sweeps.add(made_up_sweep(f"{number}", owner=f"{number}"), [])

    def work(first: int) -> None:
        try:
            for number in range(first, first + 5):
                commit(store, made_up_run(number))
                store.runs.select(limit=3)
            if (sweep := store.sweeps.claim_next()) is not None:
                claimed.append(sweep)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(4 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert store.runs.known(run_id(number) for number in range(33)) == {run_id(number) for number in range(33)}
    assert sorted(sweep.id for sweep in claimed) == list("01234567")
