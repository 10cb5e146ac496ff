"""The server's log says each kind of fault once a minute, and never keeps the first of a kind to itself."""

import logging
from collections.abc import Callable, Iterator

import pytest

from pages._ui.app.repeated_faults import OnceAMinute, told_once_a_minute
from tests.waiting import wait_until

NEVER = 3600.0


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.repeated")
    logger.setLevel(logging.INFO)
    yield logger
    logger.setLevel(logging.NOTSET)


def fails(how: Callable[[], object]) -> Callable[[logging.Logger], None]:
    def logged(log: logging.Logger) -> None:
        try:
            how()
        except Exception:
            log.exception("it failed at %x", id(log))

    return logged


def first_place() -> None:
    raise ValueError("a")


def second_place() -> None:
    raise ValueError("b")


KINDS: dict[str, Callable[[logging.Logger], None]] = {
    "a message": lambda log: log.warning("%s is away", "the store"),
    "a message of another level": lambda log: log.error("%s is away", "the store"),
    "another message": lambda log: log.warning("%s is back", "the store"),
    "of another logger": lambda log: log.getChild("other").warning("%s is away", "the store"),
    "an exception": fails(first_place),
    "an exception from another place": fails(second_place),
    "an exception of another type": fails(lambda: {}["key"]),
}


def test_the_first_of_every_kind_is_told_and_then_how_many_more(log: logging.Logger, caplog: pytest.LogCaptureFixture):
    with told_once_a_minute(NEVER):
        for logged in KINDS.values():
            logged(log)
        assert len(caplog.records) == len(KINDS)
        for logged in KINDS.values():
            logged(log)
            logged(log)
        assert len(caplog.records) == len(KINDS)
    counts = [(record.name, record.levelname, record.getMessage()) for record in caplog.records[len(KINDS) :]]
    assert counts[:4] == [
        ("tests.repeated", "WARNING", "and 2 more like it in the last minute: the store is away"),
        ("tests.repeated", "ERROR", "and 2 more like it in the last minute: the store is away"),
        ("tests.repeated", "WARNING", "and 2 more like it in the last minute: the store is back"),
        ("tests.repeated.other", "WARNING", "and 2 more like it in the last minute: the store is away"),
    ]
    assert len(counts) == len(KINDS)


def test_the_values_in_a_message_make_no_other_kind(log: logging.Logger, caplog: pytest.LogCaptureFixture):
    with told_once_a_minute(NEVER):
        for number in range(200):
            log.warning("upload %d was broken off", number)
    assert [record.getMessage() for record in caplog.records] == [
        "upload 0 was broken off",
        "and 199 more like it in the last minute: upload 0 was broken off",
    ]


def test_what_is_no_fault_passes(log: logging.Logger, caplog: pytest.LogCaptureFixture):
    with told_once_a_minute(NEVER):
        for _ in range(3):
            log.info("a sweep was submitted")
    assert len(caplog.records) == 3


def test_a_new_minute_tells_again(log: logging.Logger, caplog: pytest.LogCaptureFixture):
    once = OnceAMinute(NEVER)
    log.addFilter(once)
    try:
        log.warning("away")
        once.tell()
        log.warning("away")
    finally:
        log.removeFilter(once)
    assert [record.getMessage() for record in caplog.records] == ["away", "away"]


def test_the_count_comes_when_the_minute_is_over_whatever_else_is_logged(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
):
    def counted() -> bool:
        log.warning("away")
        return any(message.startswith("and ") for message in caplog.messages)

    with told_once_a_minute(0.05):
        wait_until(counted, "how many more there were")


def test_loggers_that_are_made_later_are_held_too_and_none_afterwards(caplog: pytest.LogCaptureFixture):
    with told_once_a_minute(NEVER):
        later = logging.getLogger("tests.repeated.made_later")
        later.warning("away")
        later.warning("away")
        assert caplog.messages == ["away"]
    caplog.clear()
    later.warning("away")
    later.warning("away")
    assert caplog.messages == ["away", "away"]
    assert logging.getLoggerClass() is logging.Logger
