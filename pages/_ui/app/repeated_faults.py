"""The server's log: one line for each kind of fault and minute, however often somebody makes it happen."""

import logging
import threading
import traceback
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass

SECONDS = 60.0

_IS_COUNT = "bgen_is_count"  # on a record that says how many more there were: it is not counted itself
_SHOWN = 200  # letters of the first one's line that the count repeats


@contextmanager
def told_once_a_minute(seconds: float = SECONDS) -> Generator[None]:
    """As long as this holds, all loggers, now and later ones, say the same fault once a minute, and then how often.

    At the loggers and not at their handlers: libraries bring handlers of their own, and also later.
    """
    once = OnceAMinute(seconds)

    class Logger(logging.Logger):
        def __init__(self, name: str, level: int = logging.NOTSET) -> None:
            super().__init__(name, level)
            self.addFilter(once)

    before = logging.getLoggerClass()
    logging.setLoggerClass(Logger)
    for logger in _loggers():
        logger.addFilter(once)
    try:
        yield
    finally:
        logging.setLoggerClass(before)
        for logger in _loggers():
            logger.removeFilter(once)
        once.tell()


class OnceAMinute(logging.Filter):
    """Lets the first warning or error of a kind through, and counts the others until the minute is over.

    A kind is an exception's type and the lines it came through, else a message before its values are filled in, of one
    logger and level. What is no fault passes.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._told: dict[Hashable, _Told] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or hasattr(record, _IS_COUNT):
            return True
        kind = _kind(record)
        with self._lock:
            if known := self._told.get(kind):
                known.more += 1
                return False
            if not self._told:
                minute = threading.Timer(self._seconds, self.tell)
                minute.daemon = True
                minute.start()
            self._told[kind] = _Told(record.name, record.levelno, _first_line(record))
        return True

    def tell(self) -> None:
        """Say how many more there were of each kind; the next one of any is told again."""
        with self._lock:
            told, self._told = self._told, {}
        for each in told.values():
            if each.more:
                logging.getLogger(each.name).log(
                    each.level,
                    "and %d more like it in the last minute: %s",
                    each.more,
                    each.first,
                    extra={_IS_COUNT: True},
                )


@dataclass(slots=True)
class _Told:
    name: str
    level: int
    first: str
    more: int = 0


def _kind(record: logging.LogRecord) -> Hashable:
    where: Hashable = str(record.msg)
    if record.exc_info and record.exc_info[0] is not None:
        error, _, trace = record.exc_info
        where = (error, tuple((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)))
    return record.name, record.levelno, where


def _first_line(record: logging.LogRecord) -> str:
    return record.getMessage().strip().partition("\n")[0][:_SHOWN]


def _loggers() -> list[logging.Logger]:
    named = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return [logging.root, *named]
