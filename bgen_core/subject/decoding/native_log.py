"""Keeping native libraries' chatter off standard error, where one sentence is meant to stand alone."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

# Standard error belongs to the whole process: one thread at a time may turn it aside.
_STDERR = threading.Lock()


@contextmanager
def native_log_filtered(noise: re.Pattern[bytes]) -> Generator[None]:
    """Drop the lines that begin with `noise` from what is written to file descriptor 2; the rest follows at the end."""
    with _STDERR, tempfile.TemporaryFile() as aside:
        with suppress(AttributeError, OSError, ValueError):  # there may be no standard error, or a closed one
            sys.stderr.flush()
        try:
            before = os.dup(2)
        except OSError:  # closed: nothing to keep clean
            yield
            return
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            aside.seek(0)
            rest = b"".join(line for line in aside if not noise.match(line))
            if rest:
                with suppress(OSError):  # a pipe that nobody reads any more
                    os.write(2, rest)
