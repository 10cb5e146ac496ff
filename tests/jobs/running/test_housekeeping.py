"""What the worker does once a day, also where it is started more often."""

import logging
import os
import time

import pytest

from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.running import housekeeping
from bgen_core.jobs.running.housekeeping import DAY_SECONDS, Housekeeping
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.made_up import LONG_AGO, commit, made_up_run


@pytest.fixture
def old(store: Store) -> Store:
    """A run of long ago, and a picture that nothing refers to."""
    commit(store, made_up_run(0))
    store.blobs.put(b"nobody's")
    for name in store.blobs.listing().pictures:
        os.utime(store.blobs.path(name), (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    return store


def test_once_a_day_over_restarts(old: Store, settings: Settings):
    assert Housekeeping(old, settings).is_due()
    Housekeeping(old, settings).do()
    assert not Housekeeping(old, settings).is_due()
    kept = settings.home / "worker" / "housekeeping"
    for changed in (time.time() - DAY_SECONDS - 1, time.time() + 1e6):  # also where a clock was wrong
        os.utime(kept, (changed, changed))
        assert Housekeeping(old, settings).is_due()


def test_without_the_setting_no_run_goes(old: Store, settings: Settings, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        Housekeeping(old, settings).do()
    assert len(old.runs.select()) == 1
    assert len(old.blobs.listing().pictures) == 2
    assert [record.getMessage() for record in caplog.records] == ["gc: 1 file (0.0 MB) removed"]


def test_old_runs_go_and_the_log_says_so(old: Store, settings: Settings, caplog: pytest.LogCaptureFixture):
    signs: list[None] = []
    with caplog.at_level(logging.INFO):
        Housekeeping(old, load_settings(home=settings.home, retention_days=30), lambda: signs.append(None)).do()
    assert old.runs.select() == []
    assert old.blobs.listing().pictures == {}
    assert "retention: 1 run that nobody said anything of for 30 days went, with 2 pictures" in caplog.text
    assert signs


def test_a_database_that_is_not_the_pictures_own_removes_none(store: Store, settings: Settings):
    for number in range(30):
        store.blobs.put(b"%d" % number)
    for name in store.blobs.listing().pictures:
        os.utime(store.blobs.path(name), (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    Housekeeping(store, settings).do()
    assert len(store.blobs.listing().pictures) == 30
    (fault,) = BackgroundFaults(settings.home).all()
    assert fault.what == housekeeping.WORK
    assert fault.text.startswith("30 of 30 pictures would go, since the database ")
    commit(store, made_up_run(0))
    for name in list(store.blobs.listing().pictures)[:31]:
        store.blobs.delete(name)
    Housekeeping(store, settings).do()
    assert BackgroundFaults(settings.home).all() == []


def test_a_bug_of_it_ends_nobody(old: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(store: Store) -> str:
        raise KeyError("runs")

    monkeypatch.setattr(housekeeping, "most_would_go", broken)
    Housekeeping(old, settings).do()
    assert [told.what for told in BackgroundFaults(settings.home).all()] == ["housekeeping"]
