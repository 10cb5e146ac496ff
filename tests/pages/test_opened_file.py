"""A PNG or a ZIP dropped on the compare page, and making a picture again beside the store."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import ImportedRuns
from bgen_core.errors import LostPictureError
from bgen_core.records.visitor import Visitor
from bgen_core.runs.recipe import Recipe, read_recipe
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.compare import opened_file
from pages._ui.shared import verification
from pages._ui.shared.verification import Verification
from tests.made_up import VISITOR, commit, made_up_run, run_id
from tests.pages.compare_pages import as_read, button, open_compare, tables, texts, viewed
from tests.serving import PROJECT
from tests.waiting import wait_until


def png_with(text: str) -> bytes:
    info = PngInfo()
    info.add_text("parameters", text)
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_a_png_of_this_store_shows_its_settings_and_joins_the_comparison(page_store: Store) -> None:
    run = commit(page_store, made_up_run(3, params={"guidance_scale": 4.5}))
    at = open_compare()
    at.file_uploader[0].upload("mine.png", page_store.blobs.get(run.image), "image/png").run()
    assert not at.exception
    assert tables(at)[0]["Guidance"] == [r"4\.5"]
    assert tables(at)[0]["Subject"] == ["Ada"]
    button(at, "Choose for comparison").click().run()
    assert [shown["id"] for shown in viewed(at)["runs"]] == [run.id]
    button(at, "Close").click().run()
    assert "mine" not in texts(at)


def test_a_png_of_another_program_goes_as_far_as_it_can(page_store: Store) -> None:
    commit(page_store, made_up_run(0))
    at = open_compare()
    text = "a castle\nNegative prompt: fog\nSteps: 25, Sampler: Euler a, CFG scale: 6.5, Seed: 99, Model: v1-5, ENSD: 1"
    at.file_uploader[0].upload("other.png", png_with(text), "image/png").run()
    assert not at.exception
    assert tables(at)[0] == {  # nothing that does not stand in the file
        "Model": [r"v1\-5"], "Prompt": ["a castle"], "Negative prompt": ["fog"], "Scheduler": [r"euler\_a"],
        "Steps": ["25"], "Guidance": [r"6\.5"], "Seed": ["99"],
    }  # fmt: skip
    assert "The noise of a seed is another one here" in texts(at)
    assert not [each for each in at.button if each.label in ("Choose for comparison", "Run again and verify")]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("plain.png", png_with("hello"), "This PNG does not say how it was made"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50, "PNG"),
    ],
)
def test_a_png_without_settings_is_a_sentence(page_store: Store, name: str, content: bytes, sentence: str) -> None:
    commit(page_store, made_up_run(0))
    at = open_compare()
    at.file_uploader[0].upload(name, content, "image/png").run()
    assert not at.exception
    assert sentence in " ".join(element.value for element in at.error)


def test_a_png_is_decoded_once_and_within_the_limit_of_photos(
    page_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[DecodeLimits] = []

    def read(png: bytes, *, limits: DecodeLimits, preview_side: int) -> Recipe:
        decoded.append(limits)
        return read_recipe(png, limits=limits, preview_side=preview_side)

    monkeypatch.setattr(opened_file, "read_recipe", read)
    run = commit(page_store, made_up_run(3))
    at = open_compare()
    at.file_uploader[0].upload("mine.png", page_store.blobs.get(run.image), "image/png").run()
    at.run().run()
    assert not at.exception
    assert "mine" in texts(at)
    assert [limits.max_pixels for limits in decoded] == [40_000_000]
    at.file_uploader[0].upload("plain.png", png_with("hello"), "image/png").run()
    at.run().run()
    assert "does not say how it was made" in at.error[0].value
    assert len(decoded) == 2


def test_a_zip_of_another_store_is_imported_and_chosen(page_store: Store, tmp_path: Path) -> None:
    with open_store(load_settings(home=tmp_path / "other")) as other:
        for number in range(2):
            commit(other, made_up_run(number))
        other.opinions.rate(run_id(1), 5)
        content = b"".join(run_archive(other, [run_id(0), run_id(1)]))
    at = open_compare()  # of an empty store
    at.file_uploader[0].upload("runs.zip", content, "application/zip").run()
    assert page_store.runs.select() == []
    button(at, "Import").click().run()
    assert not at.exception
    assert "2 runs imported" in at.toast[0].value
    assert page_store.opinions.of([run_id(1)])[run_id(1)].rating == 5
    assert {shown["id"] for shown in viewed(at)["runs"]} == {run_id(0), run_id(1)}


def test_an_import_whose_run_was_ended_by_a_second_click_is_told_and_not_done_again(page_store: Store) -> None:
    at = open_compare()
    at.file_uploader[0].upload("runs.zip", b"not looked at again", "application/zip").run()
    at.session_state["imported_runs"] = ImportedRuns(
        added=(), known=2, subjects_added=0, subjects_known=0, not_imported=("Run 3: damaged.",)
    )
    button(at, "Import").click().run()
    assert not at.exception and not at.error
    assert [as_read(toast.value) for toast in at.toast] == [
        "0 runs imported, 2 there already and left as they are.", "Not imported: Run 3: damaged.",
    ]  # fmt: skip
    assert "imported_runs" not in at.session_state


def test_a_zip_that_is_none_is_a_sentence(page_store: Store) -> None:
    at = open_compare()
    at.file_uploader[0].upload("runs.zip", b"no zip at all", "application/zip").run()
    button(at, "Import").click().run()
    assert not at.exception
    assert len(at.error) == 1


EQUAL = '[{"equal": true, "sentence": "equal: all 64 pixels", "differences": []}]'
OTHER = (
    '[{"equal": false, "sentence": "not equal: 3 of 64 pixels differ",'
    ' "differences": [{"what": "torch", "was": "2.13.0", "now": "2.14.0"}]}]'
)


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "equal", "words"),
    [
        (0, EQUAL, "", True, "equal: all 64 pixels"),
        (2, OTHER, "reading …", False, "not equal: 3 of 64 pixels differ"),
        (2, "", "loading …\nThe subject 'Ada' of this PNG is not in the store.\n", None, "The subject 'Ada' of this"),
        (1, "", "Traceback …\nZeroDivisionError: /home/me/x.py", None, "It failed on our side"),
    ],
)
def test_what_the_command_says_is_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, code: int, stdout: str, stderr: str, equal: bool | None, words: str
) -> None:
    ran: list[bytes] = []

    def run(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        ran.append(Path(command[4]).read_bytes())
        assert Visitor(**json.loads(command[5])) == VISITOR
        return subprocess.CompletedProcess(command, code, stdout, stderr)

    monkeypatch.setattr(verification.subprocess, "run", run)
    found = Verification()
    found.run(lambda: b"a png", VISITOR)
    assert ran == [b"a png"]
    assert found.equal is equal
    assert found.sentence.startswith(words)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (LostPictureError("It is not in /home/ada."), "A picture is missing from the store"),
        (OSError(28, "No space left on device"), "It failed on our side"),
    ],
)
def test_a_picture_that_cannot_be_read_or_written_leaves_no_page_waiting(fault: Exception, words: str) -> None:
    def fail() -> bytes:
        raise fault

    found = Verification()
    found.run(fail, VISITOR)
    assert found.sentence.startswith(words)


def test_a_verification_is_shown_until_and_after_it_is_done(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = commit(page_store, made_up_run(0))
    done = subprocess.CompletedProcess([], 2, OTHER, "")
    monkeypatch.setattr(verification.subprocess, "run", lambda *_, **__: done)
    at = open_compare()
    at.file_uploader[0].upload("mine.png", page_store.blobs.get(run.image), "image/png").run()
    button(at, "Run again and verify").click().run()
    wait_until(lambda: at.run().warning, "what came out")
    assert at.warning[0].value == "Not equal\\: 3 of 64 pixels differ"
    assert {"torch": [r"2\.13\.0 → 2\.14\.0"]} in tables(at)


SERVER = """
import sys
from bgen_core.errors import LostPictureError
from bgen_core.records.visitor import Visitor
from pages._ui.shared import verification
verification.VERIFYING = (sys.executable, "-P", "-c", sys.argv[1], sys.argv[2])
verification.Verification().run(lambda: b"a png", Visitor(id="ada"))
"""
VERIFYING = """
import os, sys, time
from pathlib import Path
from bgen_core.jobs.parent_process import end_with_parent
end_with_parent(patience=60)
try:
    Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(600)
finally:
    Path(sys.argv[1]).write_text("put away")
"""


@pytest.mark.slow
def test_a_verification_ends_with_its_server(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.touch()
    with subprocess.Popen([sys.executable, "-c", SERVER, VERIFYING, str(told)], cwd=PROJECT) as server:
        try:
            wait_until(told.read_text, "the verification")
            verifying = psutil.Process(int(told.read_text()))
        finally:
            server.kill()
    wait_until(lambda: told.read_text() == "put away", "its end")
    wait_until(lambda: not verifying.is_running(), "its end")
