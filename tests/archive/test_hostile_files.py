"""Files that somebody made to break the reader: one sentence each, in bounded time and memory."""

import json
import re
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bgen_core.archive.foreign_zip import read_foreign_json
from bgen_core.archive.run_import import import_runs
from bgen_core.archive.subject_import import import_subjects
from bgen_core.errors import UserInputError
from bgen_core.records.png_text import metadata_chunks, read_parameters, read_record
from bgen_core.runs.recipe import read_recipe
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits
from tests.made_up import commit, made_up_run, made_up_subject

LIMITS = DecodeLimits(max_bytes=10**7, max_pixels=10**6, min_side=1)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*texts: bytes, width: int = 4, height: int = 4, bits: int = 8) -> bytes:
    """A PNG of one colour with these chunks before its pixels, which are there as far as they are 4 × 4."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    pixels = zlib.compress((b"\0" + b"\x10" * 12) * 4)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(texts) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def plain(key: bytes, text: bytes) -> bytes:
    return chunk(b"tEXt", key + b"\0" + text)


def packed(key: bytes, text: bytes) -> bytes:
    return chunk(b"zTXt", key + b"\0\0" + zlib.compress(text, 9))


def record(**changes: Any) -> bytes:
    """The text of a run after a change of its fields; those of its parameters begin with "p_"."""
    content = json.loads(metadata_chunks(made_up_run(1))["bgen"])
    for name, value in changes.items():
        where = content["params"] if name.startswith("p_") else content
        where[name.removeprefix("p_")] = value
    return json.dumps(content).encode()


PNGS: dict[str, Callable[[], bytes]] = {
    "a cut one": lambda: png_with()[:60],
    "without its end": lambda: png_with()[:-14],
    "a header that claims a world": lambda: png_with(width=2**31 - 1, height=2**31 - 1),
    "a header that claims nothing": lambda: png_with(width=0, height=0),
    "packed text of 200 MB": lambda: png_with(packed(b"bgen", b"\0" * 200_000_000)),
    "packed parameters of 200 MB": lambda: png_with(packed(b"parameters", b" " * 200_000_000)),
    "much packed text": lambda: png_with(*[packed(b"k%d" % number, b"x" * 900_000) for number in range(80)]),
    "JSON of 20 MB": lambda: png_with(plain(b"bgen", b"[]," * 7_000_000)),
    "parameters of 20 MB": lambda: png_with(plain(b"parameters", b"a" * 20_000_000)),
    "not UTF-8": lambda: png_with(plain(b"bgen", b"\xff\xfe{}")),
    "brackets without end": lambda: png_with(plain(b"bgen", b"[" * 500_000)),
    "objects without end": lambda: png_with(plain(b"bgen", b'{"a":' * 100_000)),
    "a list": lambda: png_with(plain(b"bgen", b"[1]")),
    "nothing": lambda: png_with(plain(b"bgen", b"null")),
    "NaN": lambda: png_with(plain(b"bgen", record(p_strength=float("nan")))),
    "a number beyond floats": lambda: png_with(plain(b"bgen", record(p_guidance_scale=10**400))),
    "a seed beyond integers": lambda: png_with(plain(b"bgen", record(p_seed=10**4000))),
    "a number of 5,000 digits": lambda: png_with(plain(b"bgen", b'{"params":' + b"1" * 5000 + b"}")),
    "seconds beyond floats": lambda: png_with(plain(b"bgen", record(seconds={"denoise": 10**400}))),
    "a size of text": lambda: png_with(plain(b"bgen", record(extent={"width": "a", "height": 1}))),
    "a prompt that is a number": lambda: png_with(plain(b"bgen", record(p_prompt=5))),
    "half a letter": lambda: png_with(plain(b"bgen", record(p_prompt="\ud800"))),
    "a time before all": lambda: png_with(plain(b"bgen", record(created="0001-01-01T00:00:00+14:00"))),
    "letters without a colon": lambda: png_with(plain(b"parameters", b"a" * 99_990)),
    "blanks without end": lambda: png_with(plain(b"parameters", b"p\nSteps: 1, Seed: 2," + b" " * 90_000 + b"x")),
    "quotes without end": lambda: png_with(plain(b"parameters", b'p\nSteps: 1, b: "' + b'\\"' * 40_000)),
    "LoRAs without end": lambda: png_with(plain(b"parameters", b"<a:" * 33_000 + b"\nSteps: 1, Seed: 2, CFG scale: 3")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PNGS)
def test_a_hostile_png_is_one_sentence(name: str) -> None:
    png = PNGS[name]()
    tracemalloc.start()
    try:
        with pytest.raises(UserInputError) as caught:
            read_recipe(png)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]{10,500}", str(caught.value))
    assert peak < 150_000_000


def test_pillows_guard_against_bombs_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    for read in (read_record, read_parameters):
        with pytest.raises(UserInputError, match="not a PNG that can be read"):
            read(png_with())


A1111: dict[str, tuple[str, str]] = {
    "commands to a terminal": ("Sampler: \x1b[2JEvil, Schedule type: \x1b[2J, Size: \x1b[2J, Model hash: \x1b]0;x", ""),
    "numbers of many digits": (f"Seed: {'9' * 5000}, CFG scale: {'9' * 400}", "CFG scale is not allowed."),
    "no numbers": ("Seed: inf, CFG scale: nan, Denoising strength: -0", "Seed 'inf' is no number."),
    "fields without end": (", ".join(f"k{number}: v" for number in range(9000)), "So have 8,980 other fields."),
    "half a letter": ('Seed: 1, CFG scale: 2, Sampler: "\\ud800"', ""),
    "a prompt among the fields": ('Seed: 1, Prompt: "other", Negative prompt: "\\ud800"', ""),
}


@pytest.mark.parametrize("name", A1111)
def test_odd_parameters_of_a1111_are_taken_as_far_as_they_go(name: str) -> None:
    fields, sentence = A1111[name]
    recipe = read_recipe(png_with(plain(b"parameters", f"a beach\nSteps: 20, {fields}".encode("latin-1"))))
    assert (recipe.params.prompt, recipe.params.negative_prompt) == ("a beach", "")
    assert len(recipe.not_taken) < 30
    assert all(each.isprintable() and len(each) < 400 for each in recipe.not_taken)
    assert not sentence or sentence in recipe.not_taken
    "".join(recipe.not_taken).encode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[" + b"[]," * 1000 + b"1]", "it holds about 2,001 values, and 1,000 are allowed"),
        (b"[" * 1000, "it is nested too deeply"),
        (b"\xff", "invalid start byte"),
        (b"{", "Expecting property name"),
    ],
    ids=["too many", "too deep", "not UTF-8", "cut"],
)
def test_json_from_outside_has_a_limit(text: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_foreign_json(text, most_values=1000)


def edited(archive: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(archive.read_bytes())
    change(data)
    archive.write_bytes(data)
    return archive


def in_directory(offset: int, form: str, value: int) -> Callable[[bytearray], None]:
    """Another value in the directory's first entry."""
    return lambda data: struct.pack_into(form, data, data.find(b"PK\x01\x02") + offset, value)


def name_that_is_no_text(data: bytearray) -> None:
    in_directory(8, "<H", 0x800)(data)
    in_directory(46, "<H", 0xFEFF)(data)


ZIPS: dict[str, Callable[[bytearray], None]] = {
    "of a version to come": in_directory(6, "<H", 999),
    "encrypted": in_directory(8, "<H", 1),
    "packed in another way": in_directory(10, "<H", 12),
    "a file beyond the end": in_directory(42, "<I", 0xFFFFFFF0),
    "an extra field that is none": in_directory(30, "<H", 7),
    "a name beyond the end": in_directory(28, "<H", 60_000),
    "a name that is not UTF-8": name_that_is_no_text,
    "a directory beyond the end": lambda data: struct.pack_into("<I", data, len(data) - 6, 0xFFFFFFF0),
}


@pytest.mark.parametrize("name", ZIPS)
def test_a_hostile_zip_is_one_sentence(store: Store, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "runs.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("bgen-runs.json", '{"format": "bgen-runs", "version": 1}')
    with pytest.raises(UserInputError, match=r"^runs\.zip[ :]") as caught:
        import_runs(store, edited(archive, ZIPS[name]))
    assert "\n" not in str(caught.value)


CONTENTS: dict[str, tuple[bytes, int]] = {  # a text, and how often it stands there
    "160 million values": (b"[],", 80_000_000),
    "more than is read": (b" ", 300_000_000),
    "brackets without end": (b"[", 1_000_000),
    "no object": (b"null", 1),
    "not UTF-8": (b"\xff\xfe\xfa", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTENTS)
def test_a_list_of_contents_costs_no_more_than_its_file(store: Store, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "runs.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        text, count = CONTENTS[name]
        opened.writestr("bgen-runs.json", text * count)
    tracemalloc.start()
    try:
        with pytest.raises(UserInputError, match=r"^runs\.zip: nothing is imported, because "):
            import_runs(store, tmp_path / "runs.zip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 700_000_000  # the text itself, as it grows; its values would be ten gigabytes


@pytest.mark.parametrize(
    "edit",
    [b'{"grow": 1' + b"0" * 400 + b"}", b"[" * 100_000, b'{"x": [' + b"[]," * 3_000_000 + b"1]}"],
    ids=["a number beyond floats", "brackets without end", "six million values"],
)
def test_a_subject_with_a_hostile_edit_is_one_sentence(store: Store, tmp_path: Path, edit: bytes) -> None:
    from bgen_core.archive.run_archive import run_archive
    from bgen_core.archive.subject_archive import export_subjects

    subject = made_up_subject(1)
    store.subjects.save(subject, {})
    run = commit(store, made_up_run(1, subject_id=subject.id))
    subjects = export_subjects(store, [subject.id])
    whole = {"runs.zip": b"".join(run_archive(store, [run.id])), "subjects.zip": b"".join(subjects)}
    store.deletion.delete([run.id])
    store.subjects.delete(subject.id)
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
        with zipfile.ZipFile(tmp_path / name) as opened:
            files = {each: opened.read(each) for each in opened.namelist()}
        for each in files:
            if each == f"subjects/{subject.id}.json":
                files[each] = edit
            elif each.endswith("subject.json"):
                files[each] = b'{"format": 1, "name": "x", "edit": ' + edit + b"}"
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as written:
            for each, content in files.items():
                written.writestr(each, content)
    with pytest.raises(UserInputError, match="the subject 'Ada' in it cannot be read"):
        import_runs(store, tmp_path / "runs.zip")
    with pytest.raises(UserInputError, match=r"in the ZIP is no JSON|has a number that is not allowed"):
        import_subjects(store, (tmp_path / "subjects.zip").read_bytes(), limits=LIMITS)
    assert (store.runs.select(), store.subjects.all(), store.blobs.listing().pictures) == ([], [], {})
