"""Logs as JSON lines: whatever is logged is one line that a program reads, with what it belongs to."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from bgen_core.json_log import REQUEST, about_sweep, write_json_lines


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged; the logging of this process is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = StringIO()
    write_json_lines(logging.StreamHandler(stream))
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_tells_what_happened_where_and_in_what(lines: StringIO) -> None:
    token = REQUEST.set("request-1")
    try:
        with about_sweep("sweep-1"):
            logging.getLogger("bgen").warning("two\nlines of %s", "“it”")
    finally:
        REQUEST.reset(token)
    logging.getLogger("bgen").info("alone", extra={"status": 200})
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert {name: first[name] for name in ("level", "logger", "message", "request", "sweep")} == {
        "level": "WARNING",
        "logger": "bgen",
        "message": "two\nlines of “it”",
        "request": "request-1",
        "sweep": "sweep-1",
    }
    assert second["status"] == 200 and "sweep" not in second and "request" not in second


def test_a_fault_brings_its_trace_in_the_same_line(lines: StringIO) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("bgen").exception("it failed")
    (line,) = lines.getvalue().splitlines()
    assert "ValueError: bad" in json.loads(line)["trace"]
