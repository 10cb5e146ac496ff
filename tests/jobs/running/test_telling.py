"""The deployment's own address is told when a sweep has ended, a few times at most, and nobody waits for it."""

import json
import threading

import pytest

from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.running import telling
from bgen_core.jobs.running.telling import Telling
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.made_up import made_up_sweep
from tests.waiting import wait_until
from tests.webhook_receiver import receiving

SECRET = "a secret"


def told(settings: Settings, url: str) -> Settings:
    return load_settings(home=settings.home, webhook=url, webhook_secret=SECRET, public_url="https://here")


def add(store: Store, sweep_id: str, state: str) -> None:
    cells = ["a" * 64, "b" * 64]
    store.sweeps.add(made_up_sweep(sweep_id, cells=cells, state=state), cells)
    store.sweeps.set_cell_error(sweep_id, 1, "There is no memory for it.")


@pytest.mark.parametrize("state", ["done", "cancelled", "failed"])
def test_a_sweep_that_has_ended_is_told_of(store: Store, settings: Settings, state: str) -> None:
    add(store, "s-1", state)
    with receiving() as receiver:
        sender = Telling(store, told(settings, receiver.url))
        sender.tell("s-1")
        wait_until(sender.is_idle, "the message")
    (got,) = receiver.got
    data = json.loads(got.body)["data"]
    assert (data["state"], data["url"]) == (state, "https://here/sweep?id=s-1")
    assert data["cells"] == {"total": 2, "done": 0, "failed": 1}


def test_one_that_is_not_over_or_not_there_is_not_told_of(store: Store, settings: Settings) -> None:
    with receiving() as receiver:
        sender = Telling(store, told(settings, receiver.url))
        for state in ("queued", "running", "paused"):
            add(store, state, state)
            sender.tell(state)
        sender.tell("deleted")
        wait_until(sender.is_idle, "the message")
    assert receiver.got == []


def test_a_receiver_that_fails_is_asked_again_with_the_same_message(store: Store, settings: Settings) -> None:
    add(store, "s-1", "done")
    with receiving(answers=[500, 503]) as receiver:
        sender = Telling(store, told(settings, receiver.url), pauses=(0, 0))
        sender.tell("s-1")
        wait_until(sender.is_idle, "the message")
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.got}) == 1
    assert len(receiver.got) == 3
    assert not BackgroundFaults(settings.home).all()


@pytest.mark.parametrize(("answers", "tries"), [([500] * 9, 3), ([404] * 9, 1), ([302] * 9, 1)])
def test_what_is_not_taken_is_given_up_and_said_until_the_next(
    store: Store, settings: Settings, answers: list[int], tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, "s-1", "done")
    with receiving(answers=answers[:tries]) as receiver:
        sender = Telling(store, told(settings, f"{receiver.url}/token-of-the-receiver"), pauses=(0, 0))
        sender.tell("s-1")
        wait_until(sender.is_idle, "the message")
        (fault,) = BackgroundFaults(settings.home).all()
        assert len(receiver.got) == tries
        assert f"answers {answers[0]}" in fault.text
        assert not any(word in fault.text + caplog.text for word in ("token-of-the-receiver", SECRET))
        sender.tell("s-1")
        wait_until(sender.is_idle, "the message")
    assert not BackgroundFaults(settings.home).all()


def test_painting_does_not_wait_for_a_receiver_that_hangs(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, answers = threading.Event(), threading.Event()

    def send(*given: object, **named: object) -> None:
        hangs.set()
        answers.wait(60)

    monkeypatch.setattr(telling, "send", send)
    monkeypatch.setattr(telling, "MOST_WAITING", 2)
    add(store, "s-1", "done")
    sender = Telling(store, told(settings, "http://127.0.0.1:9/"))
    sender.tell("s-1")
    assert hangs.wait(60)
    for _ in range(5):
        sender.tell("s-1")  # returns at once, also when as many wait as may
    answers.set()
    wait_until(sender.is_idle, "the message")


def test_where_no_address_is_set_nothing_is_sent_and_old_faults_are_gone(store: Store, settings: Settings) -> None:
    BackgroundFaults(settings.home).note(telling.WORK, "The webhook was away.")
    add(store, "s-1", "done")
    sender = Telling(store, settings)
    sender.tell("s-1")
    assert sender.is_idle()
    assert not BackgroundFaults(settings.home).all()
