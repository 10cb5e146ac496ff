"""What only a process shows: a trace and its exit code, Ctrl-C, and pipes in an environment that says nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from bgen_core.store.store import Store
from tests.batch_sizes import BatchSizes
from tests.cli.calling import PHOTO, Call

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "bgen_core")
PATIENCE = 180.0  # seconds: far above what a busy machine needs
FAULTY = """
import importlib, sys
importlib.import_module("bgen_core.cli.doctor").find_device = lambda wish: 1 // 0
sys.argv[1:] = ["doctor"]
from bgen_core.__main__ import run
run()
"""


def test_a_fault_of_the_program_ends_with_1_and_its_trace() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULTY], cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR bgen_core.cli: this is a fault of the program\nTraceback")
    assert done.stderr.endswith("ZeroDivisionError: integer division or modulo by zero\n")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["sweep", "--seeds", "1"], "sweep"),
        (["store", "nothing"], "store"),
        (["store", "check", "--foo"], "store check"),
    ],
)
def test_a_mistake_names_the_help_of_the_command_that_it_was_made_in(words: list[str], command: str) -> None:
    done = subprocess.run(
        [*COMMAND, *words], cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f": see `python -m bgen_core {command} --help`.\n")


def test_pipes_hold_the_document_and_what_is_said_where_nothing_is_set(tmp_path: Path) -> None:
    (tmp_path / "Größe.jpg").write_bytes(PHOTO.read_bytes())
    done = subprocess.run(
        [*COMMAND, "segment", "Größe.jpg", "--out", "alpha.png", "--json"],
        cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)
    assert (entry["photo"], entry["alpha"], entry["person_found"]) == ("Größe.jpg", "alpha.png", True)
    # MediaPipe writes to the terminal by itself where it is let.
    said, *remarks = done.stderr.decode().splitlines()
    assert said.startswith("alpha.png (person found")
    assert all(remark.startswith("  ") for remark in remarks)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such shell")
def test_streams_that_the_caller_has_closed_are_no_fault(tmp_path: Path) -> None:
    for words, code in ((["runs", "--json"], 0), (["runs", "nothing"], 2)):
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND, *words],
            cwd=PROJECT, env=os.environ | {"BGEN_HOME": str(tmp_path)}, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file for which there is never room")
@pytest.mark.parametrize("words", [["metrics", "list", "--json"], ["--help"]])
def test_an_answer_for_which_there_is_no_room_is_one_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *words], cwd=PROJECT, stdout=full, stderr=-1, text=True, timeout=PATIENCE, check=False
        )
    assert (done.returncode, done.stderr) == (2, "bgen: No space left on device: make room, then repeat.\n")


def test_a_reader_that_has_ended_is_told_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "metrics", "list", "--json"],
            cwd=PROJECT, stdout=pipe, stderr=-1, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")


def test_bytes_of_another_encoding_are_shown_on_a_terminal_of_another_encoding(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(PROJECT), "BGEN_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii:strict"}
    for words, code, shown in (
        ([b"segment", b"caf\xe9.jpg", b"--out", b"a.png"], 2, b"bgen: caf\\xe9.jpg holds bytes that are no UTF-8: "),
        (["segment", "写真.jpg", "--out", "a.png"], 2, b"??.jpg does not exist: "),
    ):
        done = subprocess.run(
            [*COMMAND, *words], cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE, check=False
        )
        assert (done.returncode, done.stdout) == (code, b"")
        assert done.stderr.startswith(shown)


def test_ctrl_c_keeps_what_is_made_and_says_how_to_go_on(
    store: Store, own_home: Path, alpha_file: Path, batch_sizes: BatchSizes, call: Call, tmp_path: Path
) -> None:
    words = ["sweep", PHOTO, "--prompt", "a beach", "--alpha", alpha_file, "--steps", "2,900", "--json"]
    with batch_sizes.known_in(own_home), _listening_to_ctrl_c():
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=PROJECT, env=os.environ | {"BGEN_DEVICE": "cpu"}, stdout=-1, stderr=-1, text=True,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not store.runs.select() and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=PATIENCE)
    (sweep,) = store.sweeps.select()
    assert (process.returncode, out, sweep.state) == (130, "", "cancelled"), said
    assert said.splitlines()[-1].endswith(f"Continue with: python -m bgen_core sweep --resume {sweep.id}")
    assert "Traceback" not in said

    # Another process makes the same pixels.
    (run,) = store.runs.select()
    (tmp_path / "made.png").write_bytes(store.blobs.get(run.image))
    again = call("reproduce", tmp_path / "made.png")
    assert again.stdout.endswith(f"equal: all {_pixels(PHOTO):,} pixels\n"), again.stderr


@contextmanager
def _listening_to_ctrl_c() -> Iterator[None]:
    """A test run in the background of a shell ignores Ctrl-C, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pixels(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width * picture.height
