"""Claims between processes: who holds one, and what becomes of it when its process dies, freezes or cannot beat."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bgen_core.errors import StoreAwayError
from bgen_core.jobs.leases import member as member_module
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.member import Member
from bgen_core.records import worker as limits
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.waiting import wait_until
from tests.workers import says

pytestmark = pytest.mark.usefixtures("forked_processes")

ONE, OTHER = "a" * 64, "b" * 64
HOLD = """
import sys, time
if "ahead" in sys.argv:
    time.time = lambda now=time.time: now() + 120
if "elsewhere" in sys.argv:
    from bgen_core import process_identity
    process_identity.this_host = lambda: "another machine"
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.member import Member
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
with open_store(load_settings()) as store, Member(store, "worker") as member:
    print(len(PaintingClaims(member).claim([sys.argv[1]])), flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(settings: Settings, *how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has claimed `ONE`."""
    named = {"BGEN_HOME": str(settings.home), "BGEN_DATABASE": settings.database}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, ONE, *how], env=os.environ | named, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() == "1"
            yield process
        finally:
            process.kill()


@pytest.mark.both_databases
def test_a_claim_is_held_against_others_until_its_process_dies_whatever_its_clock_says(
    store: Store, settings: Settings, member: Member
):
    claims = PaintingClaims(member)
    with holder(settings, "ahead") as process:
        assert claims.claim([ONE, OTHER]) == {OTHER}
        process.kill()
        process.wait()
        assert claims.claim([ONE, OTHER]) == {ONE, OTHER}


@pytest.mark.both_databases
def test_a_frozen_process_of_another_machine_loses_its_claims_when_they_end_and_finds_it_out(
    store: Store, settings: Settings, member: Member
):
    claims = PaintingClaims(member)
    with holder(settings, "elsewhere", "ahead") as process:
        process.send_signal(signal.SIGSTOP)
        assert claims.claim([ONE]) == set()
        (frozen,) = (each for each in store.workers.all() if each.process.pid == process.pid)
        store.workers.lose([frozen.id])  # as if half a minute had passed
        assert claims.claim([ONE]) == {ONE}
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: next(each for each in store.workers.all() if each.id == frozen.id).holds, "a beat")
        assert claims.claim([ONE]) == {ONE}


def test_a_released_claim_is_free_for_others(store: Store, settings: Settings, member: Member):
    claims = PaintingClaims(member)
    assert claims.claim([ONE]) == {ONE}
    claims.release([ONE])
    with holder(settings):
        pass


@pytest.mark.both_databases
def test_what_was_lost_is_seen_at_the_next_beat(store: Store, member: Member, monkeypatch: pytest.MonkeyPatch):
    claims, other = PaintingClaims(member), says(store, "other")
    assert claims.claim([ONE, OTHER]) == {ONE, OTHER}
    store.workers.lose([member.id])
    assert store.leases.take(other, "raw", [ONE]) == {ONE}
    monkeypatch.setattr(member_module, "BEAT_SECONDS", 0.0)
    member.say(state="painting")
    assert claims.lost() == {ONE}
    assert claims.claim([ONE, OTHER]) == {OTHER}
    store.leases.release(other, "raw", [ONE])
    assert claims.claim([ONE]) == {ONE} and claims.lost() == set()


def test_what_is_said_while_a_beat_is_under_way_is_told_at_once_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_module, "BEAT_SECONDS", 600.0)
    beat = store.workers.beat
    with Member(store, "worker") as member:

        def meanwhile(*given: Any) -> int:
            monkeypatch.setattr(store.workers, "beat", beat)
            member.say(state="painting")
            return beat(*given)

        monkeypatch.setattr(store.workers, "beat", meanwhile)
        member.say(state="loading")
        wait_until(lambda: [each.status.state for each in store.workers.all()] == ["painting"], "the last word")


def test_a_store_that_is_away_ends_nothing_and_is_spoken_of_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(member_module, "BEAT_SECONDS", 0.01)
    beat, tried = store.workers.beat, list[float]()

    def away(*_: object) -> int:
        tried.append(time.monotonic())
        raise StoreAwayError("The database does not answer.")

    with Member(store, "worker") as member:
        claims = PaintingClaims(member)
        claims.claim([ONE])
        monkeypatch.setattr(store.workers, "beat", away)
        wait_until(lambda: len(tried) > 3, "more tries")
        claims.made([ONE])
        monkeypatch.setattr(store.workers, "beat", beat)
        wait_until(lambda: not store.leases.holders("raw", [ONE]), "the claim to be given back")
        wait_until(lambda: "told again" in caplog.text, "the word that all is well")
        assert claims.claim([ONE]) == {ONE}
    assert caplog.text.count("cannot be told") == caplog.text.count("told again") == 1
    assert store.workers.all() == [] and store.leases.holders("raw", [ONE]) == {}


def test_leases_outlast_some_beats_that_fail() -> None:
    assert limits.LEASE_SECONDS >= 5 * member_module.BEAT_SECONDS
