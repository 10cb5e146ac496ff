import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bgen_core.archive import subject_import
from bgen_core.archive.foreign_zip import MOST_FILES
from bgen_core.archive.subject_archive import MOST_SUBJECTS, export_subjects
from bgen_core.archive.subject_import import import_subjects
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits, encode_alpha_png, encode_png
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.subject import Subject
from tests.made_up import flip_a_bit, made_up_subject

LIMITS = DecodeLimits(max_bytes=100_000, max_pixels=10_000, min_side=4)
EDIT = {"base": "auto", "threshold": 0.4, "strokes": [{"mode": "add", "size": 3.0, "points": [[1.5, 2.0]]}]}
PHOTO = encode_png(np.full((20, 30, 3), 90, np.uint8))
ALPHA = encode_alpha_png(np.eye(20, 30, dtype=np.float32))
SAID = json.dumps({"format": 1, "name": "Ada", "edit": EDIT}).encode()


def packed(compression: int = zipfile.ZIP_STORED, **files: bytes) -> bytes:
    """A ZIP of these files; a double underscore stands for a slash, a single one for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


def test_to_another_store_and_back(store: Store, tmp_path: Path) -> None:
    saved = [made_up_subject(number, name=f"Ada / {number} ü") for number in range(2)]
    ids = [store.subjects.save(subject, EDIT) for subject in saved]
    data = b"".join(export_subjects(store, ids))
    with open_store(load_settings(home=tmp_path / "other")) as other:
        first, second = import_subjects(other, data, limits=LIMITS), import_subjects(other, data, limits=LIMITS)
        assert (first.new, first.known) == (tuple(ids), ())
        assert (second.new, second.known) == ((), tuple(ids))
        assert "2 were in the library already" in second.sentence
        for subject in saved:
            loaded = other.subjects.load(subject.id)
            assert loaded.name == subject.name
            np.testing.assert_array_equal(loaded.image, subject.image)
            np.testing.assert_array_equal(loaded.alpha, subject.alpha)
            edit = other.subjects.load_edit(subject.id)
            assert (MaskEdit.from_json(edit), edit["base"]) == (MaskEdit.from_json(EDIT), "auto")


def test_a_damaged_or_lost_subject_is_left_out_and_named_and_the_rest_goes(store: Store, tmp_path: Path) -> None:
    ids = [store.subjects.save(made_up_subject(number, name=f"Ada {number}"), EDIT) for number in range(3)]
    flip_a_bit(store.blobs.path(store.subjects.get(ids[0]).alpha))
    store.blobs.path(store.subjects.get(ids[1]).alpha).unlink()
    data = b"".join(export_subjects(store, ids))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = archive.read("not-included.txt").decode().splitlines()
    assert [line.split(":")[0] for line in told] == [
        f"Subject 'Ada {number}' ({ids[number][:12]})" for number in (0, 1)
    ]
    assert "is damaged" in told[0]
    assert "is missing" in told[1]
    with open_store(load_settings(home=tmp_path / "other")) as other:
        assert import_subjects(other, data, limits=LIMITS).new == (ids[2],)


def test_every_subject_has_a_folder_of_its_own(store: Store) -> None:
    ids = [store.subjects.save(made_up_subject(number, name="../../Ada"), EDIT) for number in range(2)]
    with zipfile.ZipFile(io.BytesIO(b"".join(export_subjects(store, ids)))) as archive:
        assert sorted({name.split("/")[0] for name in archive.namelist()}) == ["001-Ada", "002-Ada"]


def test_a_known_subject_keeps_its_name(store: Store) -> None:
    subject = made_up_subject(name="Ada")
    data = b"".join(export_subjects(store, [store.subjects.save(subject, EDIT)]))
    store.subjects.rename(subject.id, "Grace")
    import_subjects(store, data, limits=LIMITS)
    assert store.subjects.get(subject.id).name == "Grace"


def two_of_one_name() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for _ in range(2):
            archive.writestr("a/subject.json", SAID)
    return buffer.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


def locked() -> bytes:
    """The flag of encryption in both headers."""
    data = bytearray(packed(a__subject_json=SAID, a__photo_png=PHOTO, a__alpha_png=ALPHA))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark)
        data[place + at] |= 1
    return bytes(data)


def described(**changes: object) -> bytes:
    return json.dumps({"format": 1, "name": "Ada", "edit": EDIT} | changes).encode()


def with_edit(edit: object) -> bytes:
    return packed(a__subject_json=described(edit=edit), a__photo_png=PHOTO, a__alpha_png=ALPHA)


WHOLE = packed(a__subject_json=SAID, a__photo_png=PHOTO, a__alpha_png=ALPHA)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cannot be read as a ZIP"),
        (b"no archive at all", "cannot be read as a ZIP"),
        (WHOLE[: len(WHOLE) // 2], "cannot be read as a ZIP"),
        (flipped(WHOLE, WHOLE.index(PHOTO) + 60), "Bad CRC-32"),
        (locked(), "cannot be read as a ZIP"),
        (two_of_one_name(), "several files of one name"),
        (packed(readme_txt=b"hello"), "holds no subject"),
        (packed(a__subject_json=SAID, a__alpha_png=ALPHA), "'a/photo.png' is missing"),
        (packed(a__subject_json=SAID, a__photo_png=PHOTO), "'a/alpha.png' is missing"),
        (packed(a__subject_json=SAID, a__photo_png=b"hi", a__alpha_png=ALPHA), "is not a picture"),
        (packed(a__subject_json=SAID, a__photo_png=PHOTO, a__alpha_png=PHOTO[:40]), "alpha.png"),
        (
            packed(
                a__subject_json=SAID, a__photo_png=PHOTO, a__alpha_png=encode_alpha_png(np.eye(9, dtype=np.float32))
            ),
            "9 × 9",
        ),
        (packed(zipfile.ZIP_DEFLATED, a__subject_json=SAID, a__photo_png=bytes(10**7)), "larger than 0.1 MB"),
        (packed(a__subject_json=b"[" * 100_000), "is no JSON"),
        (packed(a__subject_json=b"[]"), "another format than 1"),
        (packed(a__subject_json=described(format=2)), "another format than 1"),
        (packed(a__subject_json=described(name=" ")), "lacks the name"),
        (packed(a__subject_json=described(edit=[1])), "lacks the name or the edit"),
        (with_edit({"grow": 1e9}), "grow of 1e"),
        (with_edit({"strokes": [{"mode": "add"}]}), "cannot be read"),
        (with_edit({"given": 7}), "cannot be read"),
        (with_edit({"given": "no base64"}), "cannot be read"),
        (with_edit({"given": "aGVsbG8="}), "is not a picture"),
        (packed(**{f"{number}__subject_json": SAID for number in range(MOST_SUBJECTS + 1)}), "201 subjects"),
    ],
)
def test_a_hostile_zip_is_one_sentence_and_leaves_nothing(store: Store, data: bytes, said: str) -> None:
    with pytest.raises(UserInputError) as caught:
        import_subjects(store, data, limits=LIMITS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert store.subjects.all() == []


def test_a_directory_with_more_entries_than_it_claims_is_refused_before_it_is_read(store: Store) -> None:
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, *[0] * 7, 1, *[0] * 6) + b"a"
    directory = entry * (MOST_FILES + 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)
    with pytest.raises(UserInputError, match="claims to hold 200,001 files"):
        import_subjects(store, directory + end, limits=LIMITS)


def test_many_pixels_in_few_bytes_are_refused_before_any_is_decoded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_import, "decode_foreign_photo", None)
    photo = encode_png(np.zeros((100, 100, 3), np.uint8), compress_level=9)
    data = packed(
        zipfile.ZIP_DEFLATED,
        **{
            f"{number}__{name}": part
            for number in range(9)
            for name, part in (("subject_json", SAID), ("photo_png", photo))
        },
    )
    assert len(data) < 5000
    with pytest.raises(UserInputError, match="photos of over 0 megapixels together"):
        import_subjects(store, data, limits=LIMITS)


def test_a_photo_whose_png_is_longer_than_an_upload_comes_back(store: Store, tmp_path: Path) -> None:
    subject = made_up_subject(1)
    data = b"".join(export_subjects(store, [store.subjects.save(subject, EDIT)]))
    of_uploads = DecodeLimits(max_bytes=1_000, max_pixels=10_000, min_side=4)
    with open_store(load_settings(home=tmp_path / "other")) as other:
        assert import_subjects(other, data, limits=of_uploads).new == (subject.id,)


def test_a_broken_subject_keeps_the_others_out(store: Store) -> None:
    data = packed(
        a__subject_json=SAID, a__photo_png=PHOTO, a__alpha_png=ALPHA, b__subject_json=SAID, b__photo_png=b"no"
    )
    with pytest.raises(UserInputError):
        import_subjects(store, data, limits=LIMITS)
    assert store.subjects.all() == []


@pytest.mark.parametrize("file", ["photo.png", "alpha.png", "subject.json"])
def test_a_bit_that_flipped_on_the_way_costs_its_subject_alone(store: Store, tmp_path: Path, file: str) -> None:
    ids = [store.subjects.save(made_up_subject(number, f"Ada {number}"), EDIT) for number in range(3)]
    data = b"".join(export_subjects(store, ids))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(f"002-Ada-1/{file}")
    place = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    with open_store(load_settings(home=tmp_path / "other")) as other:
        done = import_subjects(other, flipped(data, place), limits=LIMITS)
        assert set(done.new) == {ids[0], ids[2]}
        assert {entry.id for entry in other.subjects.all()} == {ids[0], ids[2]}
    (told,) = done.not_imported
    assert f"'002-Ada-1/{file}' in the ZIP is damaged" in told
    assert f"Not imported: {told}" in done.sentence


def test_what_an_import_would_refuse_for_its_pixels_is_not_exported_and_named(store: Store, tmp_path: Path) -> None:
    noise, flat = made_up_subject(0, "Noise"), []
    for number in range(6):  # many pixels in few bytes
        image, alpha = np.full((100, 100, 3), number, np.uint8), np.eye(100, dtype=np.float32)
        flat.append(store.subjects.save(Subject(name=f"Flat {number}", image=image, alpha=alpha), EDIT))
    large = Subject(name="Large", image=np.zeros((110, 100, 3), np.uint8), alpha=np.eye(110, 100, dtype=np.float32))
    ids = [store.subjects.save(large, EDIT), *flat, store.subjects.save(noise, EDIT)]
    limits = DecodeLimits(max_bytes=10**5, max_pixels=10_000, min_side=4)
    data = b"".join(export_subjects(store, ids, limits=limits))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = archive.read("not-included.txt").decode()
    assert f"Subject 'Large' ({ids[0][:12]}): Its photo is 100 × 110 pixels" in told
    assert told.count("With it the photos hold more pixels than an import takes: export it by itself.") == 2
    with open_store(load_settings(home=tmp_path / "other")) as other:
        done = import_subjects(other, data, limits=limits)
    assert len(done.new) == 5
    assert ids[-1] in done.new


def of_size(name: str, *, width: int, height: int) -> Subject:
    image, alpha = np.full((height, width, 3), 7, np.uint8), np.eye(height, width, dtype=np.float32)
    return Subject(name=name, image=image, alpha=alpha)


def test_a_photo_that_another_store_finds_too_large_or_small_costs_its_subject_alone(
    store: Store, tmp_path: Path
) -> None:
    sizes = {"Small": (40, 9), "Right": (40, 10), "Large": (41, 10)}
    subjects = [of_size(name, width=width, height=height) for name, (width, height) in sizes.items()]
    ids = [store.subjects.save(subject, EDIT) for subject in subjects]
    limits = DecodeLimits(max_bytes=10**5, max_pixels=400, min_side=10)

    data = b"".join(export_subjects(store, ids, limits=limits))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = archive.read("not-included.txt").decode().splitlines()
    assert told[0].endswith("Its photo is 40 × 9 pixels: its shorter side must be at least 10 pixels.")
    assert "'Large'" in told[1]
    with open_store(load_settings(home=tmp_path / "other")) as other:
        done = import_subjects(other, data, limits=limits)
        assert (done.new, done.not_imported) == ((ids[1],), ())

    with open_store(load_settings(home=tmp_path / "another")) as another:
        done = import_subjects(another, b"".join(export_subjects(store, ids)), limits=limits)
        assert (done.new, len(done.not_imported)) == ((ids[1],), 2)
        assert "'Small': 001-Small/photo.png is 40 × 9 pixels" in done.not_imported[0]
        with pytest.raises(UserInputError, match=r"No subject can be imported\. .* at least 10 pixels"):
            import_subjects(another, b"".join(export_subjects(store, ids[:1])), limits=limits)


def test_nothing_is_written_outside_the_store(store: Store, tmp_path: Path) -> None:
    data = packed(**{
        "..__..__evil__subject_json": SAID, "..__..__evil__photo_png": PHOTO, "..__..__evil__alpha_png": ALPHA,
    })  # fmt: skip
    import_subjects(store, data.replace(b"..//../", b"../../"), limits=LIMITS)
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]
