"""Letters that a terminal's encoding lacks, and bytes that are no letters."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from bgen_core.cli.streams import log_handlers
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.records.run import RunRecord
from bgen_core.settings import load_settings
from bgen_core.store.store import Store
from tests.cli.calling import PHOTO, Call
from tests.made_up import commit, made_up_run

NOT_UTF8 = b"caf\xe9".decode(errors="surrogateescape")
PROMPT = "日本 Größe × 3 ≈ 🌸"


@pytest.fixture
def run(store: Store) -> RunRecord:
    run = commit(store, made_up_run(1, subject_name="写真 “ü”", params={"prompt": PROMPT}))
    store.opinions.note(run.id, "– ≈ 日本")
    return run


@pytest.mark.parametrize(
    "words",
    [
        ["runs"],
        ["runs", "delete", "RUN", "--dry-run"],
        ["runs", "delete", "日本"],
        ["runs", "export", "--out", "FOLDER/写 “ü”.zip"],
        ["runs", "import", "FOLDER/写.zip"],
        ["runs", "--csv", "FOLDER/写.csv"],
        ["models"],
        ["metrics", "list"],
        ["metrics", "recompute", "--names", "日本"],
        ["store", "check"],
        ["store", "gc", "--dry-run"],
        ["reproduce", "FOLDER/写.png"],
        ["segment", "FOLDER/写.jpg", "--out", "FOLDER/ü.png"],
        ["generate", "FOLDER/写.jpg", "--prompt", PROMPT, "--out", "FOLDER/ü.png"],
        ["sweep", str(PHOTO), "--alpha", "ALPHA", "--prompt", PROMPT, "--steps", "1,2", "--dry-run"],
        ["日本"],
        ["sweep", "--help"],
        ["bench", "--help"],
    ],
    ids=" ".join,
)
def test_no_letter_ends_a_command(
    words: list[str], run: RunRecord, call: Call, tmp_path: Path, alpha_file: Path
) -> None:
    given = {"RUN": run.id, "ALPHA": str(alpha_file)}
    words = [given.get(word, word.replace("FOLDER", str(tmp_path))) for word in words]
    done = call(*words, encoding="ascii")
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert done.stdout or done.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "日本 Größe × 3 ≈ 🌸"),
        ("cp1252", "?? Größe × 3 ~ ?"),
        ("latin-1", "?? Größe × 3 ~ ?"),
        ("ascii", "?? Gr??e x 3 ~ ?"),
    ],
)
def test_what_an_encoding_has_is_written_as_it_is(
    encoding: str, shown: str, run: RunRecord, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert shown in call("runs", encoding=encoding).stdout
    (listed,) = json.loads(call("runs", "--json", encoding=encoding).stdout)
    assert listed["prompt"] == PROMPT


@pytest.mark.parametrize(
    "words",
    [
        ["segment", NOT_UTF8, "--out", "a.png"],
        ["segment", PHOTO, "--out-dir", NOT_UTF8],
        ["generate", PHOTO, "--prompt", NOT_UTF8, "--out", "a.png"],
        ["generate", PHOTO, "--prompt", "a beach", "--alpha", NOT_UTF8, "--out", "a.png"],
        ["sweep", "--spec", NOT_UTF8],
        ["sweep", PHOTO, "--prompt", "a beach", "--seed", NOT_UTF8],
        ["reproduce", NOT_UTF8],
        ["runs", "export", "--out", NOT_UTF8],
        ["runs", "import", NOT_UTF8],
        ["runs", "delete", NOT_UTF8, "--yes"],
        ["metrics", "recompute", "--names", NOT_UTF8],
        ["app", "--address", NOT_UTF8],
        [NOT_UTF8],
    ],
    ids=lambda words: words[0],
)
def test_bytes_that_are_no_letters_are_shown_before_anything_runs(words: list[str | Path], call: Call) -> None:
    done = call(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "bgen: caf\\xe9 holds bytes that are no UTF-8: write texts in UTF-8, "
        "and give a file with such a name another one.\n"
    )


def test_where_the_locale_knows_ascii_alone_it_is_to_blame(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    done = call("segment", "ü.jpg".encode().decode("ascii", "surrogateescape"), "--out", "a.png")
    assert done.returncode == 2
    assert done.stderr == (
        "bgen: \\xc3\\xbc.jpg cannot be read, since this terminal's locale is ascii: "
        "set LC_ALL=C.UTF-8, or PYTHONUTF8=1.\n"
    )


def logged(name: str) -> str:
    """What the terminal shows of a fault in that logger."""
    terminal = io.StringIO()
    try:
        raise ZeroDivisionError("in a library")
    except ZeroDivisionError:
        record = logging.LogRecord(name, logging.WARNING, "", 0, "cell %d failed", (3,), sys.exc_info())
    for handler in log_handlers(terminal):
        handler.handle(record)
    return terminal.getvalue()


def test_a_cell_that_fails_is_a_line_and_its_trace_is_in_the_log() -> None:
    assert logged("bgen_core.sweep.pipeline_call") == "WARNING bgen_core.sweep.pipeline_call: cell 3 failed\n"
    written = WorkerFolder(load_settings().home).log.read_text(encoding="utf-8")
    assert "cell 3 failed\nTraceback" in written
    assert written.endswith("ZeroDivisionError: in a library\n")
    assert "Traceback" in logged("bgen_core.cli")  # a fault of the program itself
    assert logged("half a letter \udcff")
    assert r"half a letter \udcff" in WorkerFolder(load_settings().home).log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_costs_the_line_nothing() -> None:
    home = load_settings().home
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("in the way")
    assert logged("bgen_core.sweep.engine.batched").endswith("cell 3 failed\n")


def test_a_name_that_commands_the_terminal_stays_on_one_line(call: Call) -> None:
    named = "a\n\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}b.yaml"
    done = call("sweep", "--spec", named)
    assert done.stderr == "bgen: --spec a\\n\ufffd[31m\ufffdb.yaml cannot be read: No such file or directory.\n"
