"""How many faults this process has logged."""

import logging


class _Counter(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


_COUNTER = _Counter()


def count_faults() -> None:
    """Count from now on what is logged as an error; to be called once at the start of a process."""
    root = logging.getLogger()
    if not root.handlers and logging.lastResort:  # Python leaves its own out where there is any other
        root.addHandler(logging.lastResort)
    if _COUNTER not in root.handlers:
        root.addHandler(_COUNTER)


def faults_logged() -> int:
    """Errors that were logged since `count_faults`."""
    return _COUNTER.count
