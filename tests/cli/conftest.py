"""The command line within this process: its own entry, its streams and its exit code, without a start of Python.

What only a process shows (a trace and its exit code, Ctrl-C, pipes) is in `test_processes.py`.
"""

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bgen_core.__main__ import run
from tests.batch_sizes import BatchSizes
from tests.cli.calling import PHOTO, Call, Ended


@pytest.fixture(scope="session")
def call(batch_sizes: BatchSizes) -> Call:
    """`call(*words, home=…)`: `python -m bgen_core …` on the CPU; without a home on that of the test."""

    def call(*words: str | Path, home: Path | None = None, encoding: str = "utf-8") -> Ended:
        home = home or Path(os.environ["BGEN_HOME"])
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with (
            batch_sizes.known_in(home),
            pytest.MonkeyPatch.context() as patch,
            _logging_of_a_fresh_process(),
            warnings.catch_warnings(),
            redirect_stdout(streams[0]),
            redirect_stderr(streams[1]),
            pytest.raises(SystemExit) as ended,
        ):
            patch.setattr(sys, "argv", ["bgen_core", *map(str, words)])
            patch.setenv("BGEN_HOME", str(home))
            patch.setenv("BGEN_DEVICE", "cpu")
            run()
        for stream in streams:
            stream.seek(0)
        return Ended(returncode=ended.value.code, stdout=streams[0].read(), stderr=streams[1].read())

    return call


@contextmanager
def _logging_of_a_fresh_process() -> Iterator[None]:
    """No handlers yet, so that the command line sets up its own; pytest's are there again afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture(scope="session")
def alpha_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mask of `PHOTO` whose left half is kept."""
    path = tmp_path_factory.mktemp("alpha") / "alpha.png"
    with Image.open(PHOTO) as photo:
        mask = np.zeros((photo.height, photo.width), np.uint8)
    mask[:, : mask.shape[1] // 2] = 255
    Image.fromarray(mask).save(path)
    return path
