"""What a terminal or a pipe can be told, and what was typed there: encodings at both ends of a command, and its log."""

import codecs
import copy
import io
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TextIO

from bgen_core.errors import BgenError, UserInputError
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.settings import load_settings
from bgen_core.wording import not_utf8, readable

# Signs of this program's own sentences, for encodings that lack them.
_PLAIN = str.maketrans("–—−×≈✓…“”‘’·→≤≥", "---x~v.\"\"''.><>")

_TERMINAL = "%(levelname)s %(name)s: %(message)s"
_FILE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_FAULT_OF_THE_PROGRAM = "bgen_core.cli"


def open_closed_streams() -> None:
    """Put a stream without content where the caller has closed one (`2>&-`), before anything else is opened.

    Python has None there, and the stream's number would be the next file's: what a library writes to the terminal by
    itself would be written into a database.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, stream_to_nowhere("r" if name == "stdin" else "w"))


def stream_to_nowhere(mode: Literal["r", "w"] = "w") -> TextIO:
    """What takes everything, or gives nothing."""
    return Path(os.devnull).open(mode, encoding="utf-8")


def write_every_letter() -> None:
    """Let no letter of a prompt or a name end a command: what an encoding lacks is written as a sign that it has."""
    codecs.register_error("bgen", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="bgen")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    as_far_as_known = readable(lacking).translate(_PLAIN).encode(error.encoding, "replace")
    return as_far_as_known.decode(error.encoding), error.end


def writes_utf8(stream: io.TextIOBase | object) -> bool:
    """Whether a stream's encoding knows every letter."""
    encoding = getattr(stream, "encoding", None)
    return bool(encoding) and codecs.lookup(encoding).name == "utf-8"


def check_words(words: Iterable[str]) -> None:
    """Refuse a command line with bytes that are no UTF-8, before anything runs.

    File names too: the subject of a photo and the folder of a model are called after them.

    Raises
    ------
    UserInputError
        Shows the bytes.
    """
    bad = next((found for word in words if (found := not_utf8(word))), "")
    if not bad:
        return
    encoding = sys.getfilesystemencoding()
    if codecs.lookup(encoding).name != "utf-8":
        raise UserInputError(
            f"{bad} cannot be read, since this terminal's locale is {encoding}: set LC_ALL=C.UTF-8, or PYTHONUTF8=1."
        )
    raise UserInputError(
        f"{bad} holds bytes that are no UTF-8: write texts in UTF-8, and give a file with such a name another one."
    )


def log_to_terminal() -> None:
    """Set up the log of a command line: warnings and worse, as lines on the standard error.

    Only what ends the command as a fault of the program is shown with its trace: a cell that fails is a sentence there,
    and the others go on. The traces are in the worker's log, where the app's are too.
    """
    logging.basicConfig(level=logging.WARNING, handlers=log_handlers(sys.stderr))


def log_handlers(terminal: TextIO) -> list[logging.Handler]:
    """What writes the log of a command line: lines to its terminal, traces to the worker's log."""
    lines = logging.StreamHandler(terminal)
    lines.setFormatter(_Lines(_TERMINAL))
    return [lines, _Traces()]


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and record.name != _FAULT_OF_THE_PROGRAM:
            record = copy.copy(record)
            record.exc_info = record.exc_text = None
        return super().format(record)


class _Traces(logging.Handler):
    """Appends what has a trace to the worker's log; where that cannot be written, the line on the terminal is all."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FILE))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.exc_info:
            return
        try:
            folder = WorkerFolder(load_settings().home)
            folder.prepare()
            with folder.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(self.format(record) + "\n")
        except (BgenError, OSError):
            pass
