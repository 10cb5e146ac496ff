"""The log as JSON lines, for programs that collect logs: each with the request and the sweep that it belongs to."""

import json
import logging
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from bgen_core.ids import SweepId

REQUEST: ContextVar[str] = ContextVar("request", default="")
_FIELDS = ("path", "method", "status", "milliseconds")


class _InHand:
    """The sweep that this process runs, for all of its threads."""

    sweep: str = ""


@contextmanager
def about_sweep(sweep_id: SweepId) -> Generator[None]:
    """While this is open, what is logged belongs to this sweep."""
    _InHand.sweep = sweep_id
    try:
        yield
    finally:
        _InHand.sweep = ""


class JsonLines(logging.Formatter):
    """One JSON object a line; texts of several lines stay in theirs."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            told["trace"] = "".join(traceback.format_exception(*record.exc_info))
        belongs = {"request": REQUEST.get(), "sweep": _InHand.sweep}
        told |= {name: text for name, text in belongs.items() if text}
        told |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        return json.dumps(told, ensure_ascii=False, default=str)


def write_json_lines(stream_handler: logging.Handler | None = None) -> None:
    """Let all that this process logs be JSON lines on its standard error, whichever library says it."""
    handler = stream_handler or logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, logging.StreamHandler)]
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))
    for name in list(logging.root.manager.loggerDict):  # libraries that write by themselves, such as Streamlit
        logger = logging.getLogger(name)
        if any(type(each) is logging.StreamHandler for each in logger.handlers):
            logger.handlers = [each for each in logger.handlers if type(each) is not logging.StreamHandler]
            logger.propagate = True
