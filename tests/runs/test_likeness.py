from pathlib import Path

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.jobs.running.picture_reading import PictureReading
from bgen_core.metrics.clip_space import model_key
from bgen_core.records.run import RunRecord
from bgen_core.runs.likeness import AlikeTo, Likeness, likeness
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo
from tests.made_up import commit, made_up_run
from tests.tiny_clip import embeddings, saved_clip

HALF_PRECISION = 2e-3  # vectors are kept in 16 bits


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def opposed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_clip(tmp_path_factory.mktemp("opposed"), sign=-1)


@pytest.fixture
def with_clip(settings: Settings, clip_folder: Path) -> Settings:
    return replace_model(settings, clip_folder)


def replace_model(settings: Settings, folder: Path | str) -> Settings:
    return settings.model_copy(update={"clip_model": str(folder)})


def shown(store: Store, run: RunRecord) -> np.ndarray:
    return decode_photo(thumbnail(store.blobs, run.image, 512), name="run", limits=STORED_LIMITS).image


def asked(store: Store, settings: Settings, runs: list[RunRecord], **what: str) -> Likeness:
    run_id = RunId(what.pop("like")) if "like" in what else None
    return likeness(store, settings.clip_model, AlikeTo(**what, run_id=run_id), [run.id for run in runs])


def test_likeness_is_the_cosine_of_the_whole_model(store: Store, with_clip: Settings, clip_folder: Path) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    assert PictureReading(store, with_clip).read_some() == 3
    assert PictureReading(store, with_clip).read_some() == 0
    pictures = [embeddings(clip_folder, "a beach", shown(store, run))[0] for run in runs]
    beach, sunset = (
        embeddings(clip_folder, text, shown(store, runs[0]))[1] for text in ("a beach", "a beach at sunset")
    )
    found = asked(store, with_clip, runs, words="a beach")
    assert found.values == pytest.approx([picture @ beach for picture in pictures], abs=HALF_PRECISION)
    assert found.sentence == ""
    way = (sunset - beach) / np.linalg.norm(sunset - beach)
    along = asked(store, with_clip, runs, words="a beach at sunset", less="a beach")
    assert along.values == pytest.approx([picture @ way for picture in pictures], abs=HALF_PRECISION)
    like = asked(store, with_clip, runs, like=runs[1].id)
    assert like.values == pytest.approx([picture @ pictures[1] for picture in pictures], abs=HALF_PRECISION)
    assert like.values[1] == pytest.approx(1, abs=1e-6)


def test_another_model_reads_anew_and_nothing_of_the_old_one_is_told(
    store: Store, with_clip: Settings, opposed_folder: Path
) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(2)]
    PictureReading(store, with_clip).read_some()
    before = asked(store, with_clip, runs, words="a beach")
    other = replace_model(with_clip, opposed_folder)
    unread = asked(store, other, runs, words="a beach")
    assert np.isnan(unread.values).all()
    assert unread.sentence.startswith("The CLIP model has read 0 of 2 pictures so far.")
    assert PictureReading(store, other).read_some(at_once=1) == 1  # the newest first
    assert np.isfinite(asked(store, other, runs, words="a beach").values).tolist() == [False, True]
    PictureReading(store, other).read_some()
    assert asked(store, other, runs, words="a beach").values == pytest.approx(-before.values, abs=HALF_PRECISION)
    assert asked(store, with_clip, runs, words="a beach").values == pytest.approx(before.values)


def test_a_picture_that_was_made_again_is_read_again(store: Store, with_clip: Settings) -> None:
    one, other = (commit(store, made_up_run(number)) for number in range(2))
    PictureReading(store, with_clip).read_some()
    before = asked(store, with_clip, [one, other], words="a beach").values
    store.runs.set_image(one.id, store.blobs.get(other.image))
    assert np.isnan(asked(store, with_clip, [one], words="a beach").values[0])
    PictureReading(store, with_clip).read_some()
    after = asked(store, with_clip, [one, other], words="a beach").values
    assert after == pytest.approx([before[1], before[1]])


def test_a_deleted_run_is_alike_to_nothing_and_a_lost_picture_stops_nobody(store: Store, with_clip: Settings) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    store.blobs.path(runs[2].image).unlink()
    reading = PictureReading(store, with_clip)
    while reading.read_some():
        pass
    assert np.isfinite(asked(store, with_clip, runs, words="a beach").values).tolist() == [True, True, False]
    store.deletion.delete([runs[0].id])
    key = model_key(with_clip.clip_model)
    assert list(store.vectors.of(key)) == [runs[1].id]
    assert np.isnan(asked(store, with_clip, runs, words="a beach").values[0])


def test_what_cannot_be_told_is_a_sentence(store: Store, settings: Settings, with_clip: Settings) -> None:
    run = commit(store, made_up_run())
    with pytest.raises(
        UserInputError, match=r"^How alike pictures are cannot be told. No CLIP model is set: BGEN_CLIP"
    ):
        asked(store, settings, [run], words="a beach")
    with pytest.raises(UserInputError, match=r"'/nowhere' cannot be loaded from this machine"):
        asked(store, replace_model(settings, "/nowhere"), [run], words="a beach")
    with pytest.raises(UserInputError, match=rf"has not read the picture of run {run.id[:12]} yet"):
        asked(store, with_clip, [run], like=run.id)
    with pytest.raises(UserInputError, match="Both texts are the same to the CLIP model"):
        asked(store, with_clip, [run], words="a beach", less="a beach")
    with pytest.raises(UserInputError, match="Less of “a beach” than what"):
        AlikeTo(less="a beach", run_id=run.id)
    with pytest.raises(UserInputError, match="give one of them"):
        AlikeTo()
    with pytest.raises(UserInputError, match="501 letters: at most 500"):
        AlikeTo(words="x" * 501)


def test_other_files_under_the_same_name_are_another_model(store: Store, settings: Settings, tmp_path: Path) -> None:
    run = commit(store, made_up_run())
    now = replace_model(settings, saved_clip(tmp_path / "clip"))
    PictureReading(store, now).read_some()
    before = asked(store, now, [run], words="a beach").values
    saved_clip(tmp_path / "clip", sign=-1)
    assert np.isnan(asked(store, now, [run], words="a beach").values[0])
    PictureReading(store, now).read_some()
    assert asked(store, now, [run], words="a beach").values == pytest.approx(-before, abs=HALF_PRECISION)
