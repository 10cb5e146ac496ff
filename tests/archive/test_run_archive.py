"""Runs as a ZIP into another store: everything comes along, and nothing that is not what it says."""

import base64
import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgen_core.archive import foreign_zip as archive_reading
from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import ImportedRuns, import_runs
from bgen_core.errors import StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.limits import MOST_TAGS
from bgen_core.metrics import MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.settings import load_settings
from bgen_core.store.opinions import Opinion
from bgen_core.store.schema import TagRow
from bgen_core.store.store import Store, open_store
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.subject.decoding.image_io import DecodeLimits, encode_alpha_png, encode_png
from tests.made_up import EXTENT, commit, flip_a_bit, made_up_run, made_up_subject, painted, picture, run_id

pytestmark = pytest.mark.both_databases

EDIT = {"threshold": 0.4, "strokes": [{"mode": "add", "size": 3.0, "points": [[1.5, 2], [3, 4]]}], "base": "given"}
MEASURED = [
    MetricValue(name="seam", value=0.1 + 0.2, reason="", version=1),
    MetricValue(name="clip_score", value=None, reason="No CLIP model is set: ü.", version=1),
]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """The store that somebody exports from."""
    with open_store(load_settings(home=tmp_path / "other", database="")) as store:
        yield store


@pytest.fixture
def runs(other: Store) -> list[RunRecord]:
    """Three runs of two subjects, one of them deleted; two share a raw picture."""
    kept, deleted = made_up_subject(1, "Ada"), made_up_subject(2, "Bo")
    for subject in (kept, deleted):
        other.subjects.save(subject, EDIT)
    first = commit(other, made_up_run(1, subject_id=kept.id, params={"prompt": "日本, “ü”\n"}))
    shared = painted(made_up_run(2, subject_id=kept.id, raw_id=first.raw_id))
    second = other.runs.commit_pasted(shared, image=picture(7), raw=first.raw)
    third = commit(other, made_up_run(3, subject_id=deleted.id))
    other.subjects.delete(deleted.id)
    other.opinions.rate(first.id, 4)
    other.opinions.note(first.id, "sky “too” dark")
    other.opinions.tag(first.id, ["print", "web"])
    other.metrics.save(first.id, MEASURED)
    return [first, second, third]


def exported(store: Store, runs: list[RunRecord], path: Path) -> Path:
    path.write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
    return path


def contents(store: Store) -> Any:
    """Everything that an import may change."""
    runs = store.runs.select()
    ids = [run.id for run in runs]
    blobs = {name: store.blobs.get(name) for name in store.blobs.listing().pictures}
    subjects = [(entry, store.subjects.load_edit(entry.id)) for entry in store.subjects.all()]
    return runs, blobs, subjects, store.opinions.of(ids), store.metrics.of(ids)


def test_reference_pictures_come_along(store: Store, other: Store, tmp_path: Path) -> None:
    name = other.blobs.put(encode_png(picture(40)))
    run = commit(other, made_up_run(1, params={"reference": name, "ip_adapter": "style"}))
    path = exported(other, [run], tmp_path / "runs.zip")
    import_runs(store, path)
    assert store.blobs.get(name) == other.blobs.get(name)
    assert [each for each in check_store(store) if isinstance(each, Finding)] == []
    other.blobs.delete(name)
    with zipfile.ZipFile(exported(other, [run], path)) as archive:
        assert f"Picture {name[:12]}: The picture" in archive.read("not-included.txt").decode()


def test_another_store_has_everything_afterwards(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    done = import_runs(store, exported(other, runs, tmp_path / "runs.zip"))
    assert done == ImportedRuns(added=tuple(run.id for run in runs), known=0, subjects_added=1, subjects_known=0)
    assert done.sentence == "3 runs imported, with 1 subject."
    assert contents(store) == contents(other)
    assert [each for each in check_store(store) if isinstance(each, Finding)] == []


def test_what_is_there_already_stays_as_it_is(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    subject = made_up_subject(1, "another name")
    store.subjects.save(subject, {"threshold": 0.6})
    mine = commit(store, replace(made_up_run(1, owner="me"), id=runs[0].id))
    store.opinions.rate(mine.id, 1)
    before = store.subjects.all()
    done = import_runs(store, archive)
    assert (done.added, done.known, done.subjects_known) == ((runs[1].id, runs[2].id), 1, 1)
    assert done.sentence == "2 runs imported, 1 there already and left as they are."
    assert store.runs.get(mine.id) == mine
    assert store.opinions.of([mine.id]) == {mine.id: Opinion(rating=1, mean_rating=1.0, raters=1)}
    assert store.metrics.of([mine.id]) == {}
    assert store.subjects.all() == before
    assert store.subjects.load_edit(subject.id) == {"threshold": 0.6}
    first = contents(store)
    assert import_runs(store, archive).added == ()
    assert contents(store) == first


def test_pictures_that_were_lost_are_put_back(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    import_runs(store, archive)
    before = contents(store)
    (subject,) = store.subjects.all()
    store.blobs.path(runs[0].image).unlink()
    store.blobs.path(runs[1].raw).write_bytes(b"cut")
    store.blobs.path(subject.photo).unlink()
    done = import_runs(store, archive)
    assert (done.added, done.known, done.restored, done.not_imported) == ((), 3, 3, ())
    assert done.sentence == "0 runs imported, 3 there already and left as they are. 3 pictures lost here were put back."
    assert contents(store) == before
    assert [each for each in check_store(store) if isinstance(each, Finding)] == []
    assert import_runs(store, archive).restored == 0


def test_a_lost_picture_that_the_zip_does_not_have_either_is_named_and_the_rest_taken(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    import_runs(store, exported(other, runs[:1], tmp_path / "first.zip"))
    store.blobs.path(runs[0].image).unlink()

    with zipfile.ZipFile(archive) as before, zipfile.ZipFile(tmp_path / "less.zip", "w") as less:
        for name in before.namelist():
            if not (name.startswith("pictures/") and runs[0].image[:8] in name):
                less.writestr(name, before.read(name))
    done = import_runs(store, tmp_path / "less.zip")
    assert (len(done.added), done.known, done.restored) == (2, 1, 0)
    (sentence,) = done.not_imported
    assert sentence.startswith(f"Picture {runs[0].image[:12]}: it lacks") and "nothing is imported" not in sentence


def test_a_run_with_more_tags_than_a_zip_takes_is_exported_with_as_many(
    store: Store, other: Store, tmp_path: Path
) -> None:
    run = commit(other, made_up_run(1))
    with other.database.writing() as session:
        session.add_all(TagRow(run_id=run.id, tag=f"tag {number}", owner="") for number in range(MOST_TAGS + 2))
    with pytest.raises(UserInputError, match="at most 1,000 tags"):
        other.opinions.tag(run.id, [*(f"tag {number}" for number in range(MOST_TAGS)), "one more"])
    path = exported(other, [run], tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        assert f"Run {run.id}: 2 of its 1,002 tags." in archive.read("not-included.txt").decode()
    import_runs(store, path)
    assert len(store.opinions.of([run.id])[run.id].tags) == MOST_TAGS


def test_the_zip_is_of_use_without_the_program(other: Store, runs: list[RunRecord], tmp_path: Path) -> None:
    with zipfile.ZipFile(exported(other, runs, tmp_path / "runs.zip")) as archive:
        assert archive.testzip() is None
        pictures = [name for name in archive.namelist() if name.startswith("pictures/")]
        assert [archive.read(name) for name in pictures] == [other.blobs.get(run.image) for run in runs]
        assert pictures[0].startswith("pictures/Ada_20-steps_guidance-3_seed-1_")
        assert len([name for name in archive.namelist() if name.startswith("raw/")]) == 2
        rows = list(csv.DictReader(io.StringIO(archive.read("runs.csv").decode("utf-8-sig"))))
        assert [row["id"] for row in rows] == [run.id for run in runs]
        assert (rows[0]["rating"], rows[0]["tags"]) == ("4", "print, web")
        sentence = f"Subject 'Ada' ({runs[2].subject_id[:12]}): It was deleted; its runs are here.\n"
        assert archive.read("not-included.txt").decode() == sentence


def test_a_run_without_its_pictures_is_left_out_and_named(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    other.blobs.path(runs[2].image).unlink()
    archive = exported(other, runs, tmp_path / "runs.zip")
    with zipfile.ZipFile(archive) as opened:
        assert f"Run {runs[2].id}: The picture" in opened.read("not-included.txt").decode()
    assert import_runs(store, archive).added == (runs[0].id, runs[1].id)


@pytest.mark.parametrize("role", ["image", "raw", "photo", "alpha"])
def test_what_is_damaged_in_the_store_is_left_out_and_named_and_the_rest_goes(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path, role: str
) -> None:
    (subject,) = other.subjects.all()
    damaged = getattr(runs[2], role, "") or getattr(subject, role)
    flip_a_bit(other.blobs.path(damaged))
    archive = exported(other, runs, tmp_path / "runs.zip")
    with zipfile.ZipFile(archive) as opened:
        told = opened.read("not-included.txt").decode()
    named = f"Run {runs[2].id}" if role in ("image", "raw") else f"Subject 'Ada' ({subject.id[:12]})"
    assert f"{named}: The picture {damaged[:12]}….png is damaged" in told
    done = import_runs(store, archive)
    assert done.added == tuple(run.id for run in (runs[:2] if role in ("image", "raw") else runs))
    assert done.subjects_added == (1 if role in ("image", "raw") else 0)


def test_runs_of_an_unknown_id_are_refused_before_anything_is_written(other: Store) -> None:
    with pytest.raises(UserInputError, match="No run has the id"):
        run_archive(other, [run_id(99)])


# -- ZIPs that somebody made to do harm, or that were damaged on their way --

Files = dict[str, bytes]


def changed(archive: Path, change: Callable[[Files, dict[str, Any]], None]) -> Path:
    """The same ZIP after a change of its files and its list of contents."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(files["bgen-runs.json"])
    change(files, manifest)
    if "bgen-runs.json" in files:
        files["bgen-runs.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(archive, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return archive


def record_of(manifest: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return manifest["runs"][number]["record"]


def put_picture(files: Files, manifest: dict[str, Any], data: bytes, number: int = 2) -> None:
    """Another finished picture, with the right hash."""
    from bgen_core.content_address import hash_bytes

    record_of(manifest, number)["image"] = hash_bytes(data)
    files[manifest["runs"][number]["image_file"]] = data


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its pixels do not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    body = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


HOSTILE: dict[str, tuple[Callable[[Files, dict[str, Any]], None], str]] = {
    "no list of contents": (lambda files, m: files.pop("bgen-runs.json") and None, "it lacks 'bgen-runs.json'"),
    "of another kind": (lambda files, m: m.update(format="x"), "its list of contents cannot be read .format"),
    "of a later version": (lambda files, m: m.update(version=3), "a newer version of bgen made it: update bgen"),
    "runs of another kind": (lambda files, m: m.update(runs=5), "its list of contents cannot be read .runs"),
    "a picture is missing": (
        lambda files, m: files.pop(m["runs"][2]["raw_file"]) and None,
        "it lacks 'raw/.*', which its list of contents names",
    ),
    "a path to the outside": (
        lambda files, m: m["runs"][2].update(image_file="../../etc/passwd"),
        "it lacks '../../etc/passwd'",
    ),
    "other bytes": (
        lambda files, m: files.update({m["runs"][2]["image_file"]: encode_png(picture(99))}),
        "is not the picture that its list of contents names",
    ),
    "no PNG": (lambda files, m: put_picture(files, m, b"<script>alert(1)</script>"), "is no PNG"),
    "another size": (  # than the 48 × 32 of `made_up.EXTENT`
        lambda files, m: put_picture(files, m, encode_png(np.zeros((8, 8, 3), np.uint8))),
        "is 8 × 8 pixels, and its run says 48 × 32",
    ),
    "a cut PNG": (lambda files, m: put_picture(files, m, encode_png(picture(3))[:900]), "nothing is imported"),
    "a PNG of a billion pixels": (
        lambda files, m: put_picture(files, m, png_of_claimed_size(60_000, 60_000)),
        "has 3,600 megapixels, far more than are allowed",
    ),
    "an id that is a path": (lambda files, m: record_of(m).update(id="../x"), "a run in it cannot be: .*id is not"),
    "no pictures": (lambda files, m: record_of(m).update(image="", raw=""), "names no pictures"),
    "a hash that is a path": (lambda files, m: record_of(m).update(image="../../x"), "image is not allowed"),
    "parameters that cannot be": (lambda files, m: record_of(m)["params"].update(strength=7), "strength 7 is not"),
    "a rating of 6": (lambda files, m: m["runs"][0].update(rating=6), "runs.0.rating"),
    "a note that is a number": (lambda files, m: m["runs"][0].update(notes=5), "runs.0.notes"),
    "a metric that is no number": (
        lambda files, m: m["runs"][0]["metrics"][0].update(value=float("nan")),
        "runs.0.metrics.0.value",
    ),
    "a metric's name": (lambda files, m: m["runs"][0]["metrics"][0].update(name="x y"), "runs.0.metrics.0.name"),
    "another photo": (
        lambda files, m: files.update({m["subjects"][0]["photo_file"]: encode_png(picture(5))}),
        "is not the picture that its list of contents names",
    ),
    "another subject's id": (
        lambda files, m: m["subjects"][0].update(id="0" * 64),
        "is not what its address stands for",
    ),
    "a subject without a name": (lambda files, m: m["subjects"][0].update(name=" "), "is not what its address"),
    "an edit that is none": (
        lambda files, m: files.update({m["subjects"][0]["edit_file"]: b'{"threshold": 7}'}),
        "threshold of 7 is not allowed",
    ),
    "an edit that is a list": (
        lambda files, m: files.update({m["subjects"][0]["edit_file"]: b"[]"}),
        "its edit is no object",
    ),
    "a mask that is none": (
        lambda files, m: files.update({m["subjects"][0]["edit_file"]: b'{"given": "!"}'}),
        "the subject 'Ada' in it cannot be",
    ),
    "a mask of another size": (
        lambda files, m: files.update(
            {
                m["subjects"][0]["edit_file"]: json.dumps(
                    {"given": base64.b64encode(encode_alpha_png(np.ones((4, 4), np.float32))).decode()}
                ).encode()
            }
        ),
        "the subject 'Ada' in it cannot be",
    ),
}


def test_what_is_not_what_it_says_is_refused_whole(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    """One store for all, as none of them changes anything."""
    whole = exported(other, runs, tmp_path / "runs.zip").read_bytes()
    commit(store, made_up_run(50))
    before, around = contents(store), sorted(tmp_path.iterdir())
    for name, (change, sentence) in HOSTILE.items():
        (tmp_path / "runs.zip").write_bytes(whole)
        archive = changed(tmp_path / "runs.zip", change)
        with pytest.raises(UserInputError) as caught:
            import_runs(store, archive)
        said = str(caught.value)
        assert re.search(sentence, said), name
        assert said.startswith("runs.zip: nothing is imported, because "), name
        assert said.count("\n") == 0, name
        assert contents(store) == before, name
        assert sorted(tmp_path.iterdir()) == around, name


def test_a_picture_that_unpacks_to_more_than_allowed_is_not_unpacked(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_reading, "LARGEST_PICTURE", 100)
    with pytest.raises(UserInputError, match="bytes unpacked, and 100 are allowed"):
        import_runs(store, exported(other, runs, tmp_path / "runs.zip"))
    assert store.runs.select() == []


def test_a_list_of_too_many_files_is_refused_before_it_is_read(store: Store, tmp_path: Path) -> None:
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("one", b"")
    data = bytearray(archive.read_bytes())
    struct.pack_into("<I", data, len(data) - 22 + 12, 200_000_000)  # the directory's length
    archive.write_bytes(data)
    with pytest.raises(UserInputError, match="nothing is imported, because it claims to hold 1 files"):
        import_runs(store, archive)


def test_files_that_lie_on_top_of_each_other_are_refused(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    """Every entry of the directory points at the same bytes, as in a bomb of overlapping files."""
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a", b"x" * 10_000)
        one = opened.getinfo("a")
        opened.filelist.extend([one] * 50)
    with pytest.raises(UserInputError, match=r"bomb.zip: nothing is imported, because its files overlap\."):
        import_runs(store, archive)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not a ZIP that can be read"),
        (b"PK\x03\x04 and then nothing", "is not a ZIP that can be read"),
        (b"PK\x05\x06" + b"\0" * 18, "it lacks 'bgen-runs.json'"),
    ],
    ids=["empty", "cut", "of nothing"],
)
def test_what_is_no_zip_of_runs_is_a_sentence(store: Store, tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(UserInputError, match=sentence):
        import_runs(store, tmp_path / "x.zip")
    with pytest.raises(UserInputError, match="cannot be read"):
        import_runs(store, tmp_path / "missing.zip")
    with pytest.raises(UserInputError, match="cannot be read"):
        import_runs(store, tmp_path)


@pytest.mark.slow
def test_any_damaged_byte_is_noticed(store: Store, other: Store, runs: list[RunRecord], tmp_path: Path) -> None:
    whole = exported(other, runs, tmp_path / "runs.zip").read_bytes()
    expected = contents(other)
    noticed = 0
    for place in np.random.default_rng(1).integers(0, len(whole), 30):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / "damaged.zip").write_bytes(damaged)
        try:
            done = import_runs(store, tmp_path / "damaged.zip")
        except UserInputError:
            noticed += 1
        else:
            taken, pictures = contents(store)[:2]
            if done.not_imported:  # one picture's bytes
                noticed += 1
                assert len(taken) < len(expected[0]) or done.subjects_added == 0
                assert all(run in expected[0] for run in taken)
                assert pictures.items() <= expected[1].items()
            else:  # a date, or the table for people
                assert (taken, pictures) == expected[:2]
            store.deletion.delete(done.added)
            for subject in store.subjects.all():
                store.subjects.delete(subject.id)
        assert contents(store)[:3] == ([], {}, [])
    assert noticed > 20


def damaged_on_the_way(archive: Path, name: str) -> Path:
    """One bit of one file's bytes is another, and the ZIP does not know."""
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo(name)
    data = bytearray(archive.read_bytes())
    data[info.header_offset + 30 + len(name.encode()) + info.compress_size // 2] ^= 1
    archive.write_bytes(data)
    return archive


@pytest.mark.parametrize("role", ["image_file", "raw_file", "photo_file", "alpha_file", "edit_file"])
def test_a_bit_that_flipped_on_the_way_costs_its_run_or_subject_alone(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path, role: str
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("bgen-runs.json"))
    is_runs = role in ("image_file", "raw_file")
    file = manifest["runs"][2][role] if is_runs else manifest["subjects"][0][role]
    done = import_runs(store, damaged_on_the_way(archive, file))
    assert done.added == tuple(run.id for run in (runs[:2] if is_runs else runs))
    assert done.subjects_added == (1 if is_runs else 0)
    (told,) = done.not_imported
    assert told.startswith(f"Run {runs[2].id}: " if is_runs else f"Subject 'Ada' ({runs[0].subject_id[:12]}): ")
    assert file[-60:] in told
    assert "is damaged" in told
    for run in store.runs.select():
        assert store.blobs.get(run.image) == other.blobs.get(run.image)
    # Once more, whole: what was left out comes after
    again = import_runs(store, exported(other, runs, tmp_path / "runs.zip"))
    assert (again.not_imported, again.known) == ((), len(done.added))
    assert contents(store)[:2] == contents(other)[:2]


def test_a_damaged_list_of_contents_refuses_all(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path
) -> None:
    archive = damaged_on_the_way(exported(other, runs, tmp_path / "runs.zip"), "bgen-runs.json")
    with pytest.raises(UserInputError, match=r"nothing is imported, because 'bgen-runs.json' in the ZIP is damaged"):
        import_runs(store, archive)
    assert store.runs.select() == []


def test_what_an_import_would_refuse_for_its_pixels_is_there_for_people_and_named(
    store: Store, other: Store, tmp_path: Path
) -> None:
    limits = DecodeLimits(max_bytes=10**6, max_pixels=EXTENT.area - 1, min_side=1)
    small = Extent(width=EXTENT.width, height=EXTENT.height - 1)
    subject = other.subjects.save(made_up_subject(1), EDIT)
    large = commit(other, made_up_run(1, subject_id=subject))
    fits = commit(other, made_up_run(2, subject_id=subject, extent=small))
    archive = tmp_path / "runs.zip"
    archive.write_bytes(b"".join(run_archive(other, [large.id, fits.id], limits=limits)))
    with zipfile.ZipFile(archive) as opened:
        told = opened.read("not-included.txt").decode()
        assert sum(name.startswith("pictures/") for name in opened.namelist()) == 2
    assert f"Run {large.id}: Its picture is 48 × 32 pixels" in told
    assert f"Subject 'Ada' ({subject[:12]}): Its photo is 48 × 32 pixels" in told
    done = import_runs(store, archive, limits=limits)
    assert (done.added, done.subjects_added, done.not_imported) == ((fits.id,), 0, ())


def test_a_picture_that_another_store_finds_too_large_costs_its_run_or_subject_alone(
    store: Store, other: Store, tmp_path: Path
) -> None:
    small = Extent(width=EXTENT.width, height=EXTENT.height - 1)
    subject = other.subjects.save(made_up_subject(1), EDIT)
    large = commit(other, made_up_run(1, subject_id=subject))
    fits = commit(other, made_up_run(2, subject_id=subject, extent=small))
    archive = exported(other, [large, fits], tmp_path / "runs.zip")
    limits = DecodeLimits(max_bytes=10**6, max_pixels=EXTENT.area - 1, min_side=1)
    done = import_runs(store, archive, limits=limits)
    assert (done.added, done.subjects_added) == ((fits.id,), 0)
    told = dict(sentence.split(": ", 1) for sentence in done.not_imported)
    assert told[f"Run {large.id}"].startswith("Its picture is 48 × 32 pixels")
    assert told[f"Subject 'Ada' ({subject[:12]})"].startswith("Its photo is 48 × 32 pixels")


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = exported(other, runs, tmp_path / "runs.zip")
    put, left = store.blobs.put, [3]

    def full_after_three(data: bytes, suffix: str = ".png") -> str:
        left[0] -= 1
        if left[0] < 0:
            raise StoreError("The disk is full.")
        return put(data, suffix)

    monkeypatch.setattr(store.blobs, "put", full_after_three)
    with pytest.raises(StoreError, match="The disk is full"):
        import_runs(store, archive)
    assert contents(store)[:3] == ([], {}, [])


def test_a_fault_between_rows_leaves_nothing(
    store: Store, other: Store, runs: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgen_core.archive import run_import

    archive = exported(other, runs, tmp_path / "runs.zip")
    calls: list[RunRecord] = []

    def failing(session: Any, record: RunRecord, owner: str, **how: Any) -> None:
        calls.append(record)
        if len(calls) == 2:
            raise RuntimeError("a bug")
        add_run_row(session, record, owner, **how)

    add_run_row = run_import.add_run_row
    monkeypatch.setattr(run_import, "add_run_row", failing)
    with pytest.raises(RuntimeError, match="a bug"):
        import_runs(store, archive)
    assert contents(store)[:3] == ([], {}, [])
    assert collect_garbage(store, dry_run=True).files == 0
