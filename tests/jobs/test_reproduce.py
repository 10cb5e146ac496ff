"""Making runs again with a model that paints noise by the seed: what is compared, and what is told."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import VisitorId
from bgen_core.jobs.reproduce import Deviation, Reproducer, Reproduction, find_subject
from bgen_core.records.png_text import metadata_chunks
from bgen_core.records.run import RunRecord
from bgen_core.records.visitor import Visitor
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.subject import Subject
from bgen_core.sweep.events import Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning, TuningPlace
from tests.made_up import made_up_run, picture

LEFT_HALF = np.zeros((64, 80), np.float32)
LEFT_HALF[:, :40] = 1
SUBJECT = Subject(name="Ada", image=picture(1, Extent(width=80, height=64)), alpha=LEFT_HALF)


class NoiseBySeed:
    """Paints noise that the seed decides; `painted` counts what it was asked for."""

    def __init__(self) -> None:
        self.painted = 0

    def paint(self, cells: Iterable[PaintCell]) -> Generator[Any]:
        for cell in cells:
            self.painted += 1
            if cell.params.prompt == "fails":
                yield Failed(index=cell.index, reason="This cell cannot be painted.")
                continue
            image = picture(cell.params.seed, cell.canvas.extent)
            yield Finished(cell=cell, image=image, seconds={"denoise": 1.0})

    def tune(self, extent: Extent) -> None: ...

    def is_tuned(self, extent: Extent) -> bool:
        return True


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> NoiseBySeed:
    painting = NoiseBySeed()
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (painting, 8))
    return painting


@pytest.fixture
def reproducer(settings: Settings, model: NoiseBySeed) -> Iterator[Reproducer]:
    with Reproducer(settings) as reproducer:
        yield reproducer


def made(reproducer: Reproducer, **params: Any) -> tuple[RunRecord, bytes]:
    """A run and its PNG, as this program makes them here and now."""
    start = made_up_run(0, params=params, subject_id=SUBJECT.id)
    recipe = read_recipe(encode_png(picture(), text=metadata_chunks(start)))
    again = reproducer.reproduce(encode_png(picture()), recipe, SUBJECT)
    return again.run, again.png


def again(reproducer: Reproducer, png: bytes, subject: Subject = SUBJECT) -> Reproduction:
    return reproducer.reproduce(png, read_recipe(png), subject)


def with_record(png: bytes, record: RunRecord, change: Any = None) -> bytes:
    with Image.open(BytesIO(png)) as opened:
        pixels = np.array(opened)
    if change is not None:
        change(pixels)
    return encode_png(pixels, text=metadata_chunks(record))


@pytest.mark.slow
@pytest.mark.parametrize("params", [{}, {"shadow": 0.5, "edge_softness": 1.0}, {"seed": 2**62}], ids=str)
def test_what_was_made_here_comes_out_equal(reproducer: Reproducer, model: NoiseBySeed, params: dict) -> None:
    _, png = made(reproducer, **params)
    painted = model.painted
    for _ in range(2):
        found = again(reproducer, png)
        assert found.equal
        assert (found.changed, found.greatest, found.differences) == (0, 0, ())
        assert found.sentence == "equal: all 5,120 pixels"
    assert model.painted == painted + 2, "every time it is painted, and never remembered"


def test_every_pixel_counts(reproducer: Reproducer) -> None:
    run, png = made(reproducer)

    def change(pixels: np.ndarray) -> None:
        pixels[3, 5, 1] ^= 1
        was = int(pixels[10, 70, 2])
        pixels[10, 70, 2] = was + 100 if was < 100 else was - 100

    found = again(reproducer, with_record(png, run, change))
    assert (found.equal, found.changed, found.greatest) == (False, 2, 100)
    assert found.sentence == (
        "not equal: 2 of 5,120 pixels differ, by at most 100 of 255; all that is recorded is the same: "
        "the file was changed, or this processor computes otherwise"
    )


def test_what_differs_from_then_is_told_even_where_the_pixels_are_equal(reproducer: Reproducer) -> None:
    run, png = made(reproducer)
    then = replace(run, dtype="float16", versions=run.versions | {"torch": "1.0"}, model_revision="0" * 40)
    found = again(reproducer, with_record(png, then))
    assert found.equal
    assert found.differences == (
        Deviation(what="the model's revision", was="0" * 12, now=run.model_revision[:12]),
        Deviation(what="the number format", was="float16", now="float32"),
        Deviation(what="torch", was="1.0", now=run.versions["torch"]),
    )
    assert found.sentence.startswith("equal: all 5,120 pixels, although the model's revision was 000000000000, is ")


def test_a_device_of_another_kind_is_told_in_a_sentence(reproducer: Reproducer) -> None:
    run, png = made(reproducer)
    then = replace(run, device="Tesla T4", made_on={"gpu": "Tesla T4", "driver": "550"})
    found = again(reproducer, with_record(png, then))
    assert found.sentence.endswith(
        "it was made by a GPU of the kind Tesla T4, and now by another device, whose last bits may differ"
    )


def test_the_raw_picture_is_compared_with_the_raw_one(reproducer: Reproducer) -> None:
    run, _ = made(reproducer, seed=7)
    raw = encode_png(picture(7, run.model_extent), text=metadata_chunks(run))
    assert run.model_extent != run.extent
    assert again(reproducer, raw).equal


def test_another_subject_makes_another_picture_and_is_named(reproducer: Reproducer) -> None:
    _, png = made(reproducer)
    other = Subject(name="Bo", image=255 - SUBJECT.image, alpha=SUBJECT.alpha)
    found = again(reproducer, png, other)
    assert found.differences == (Deviation(what="the subject", was=SUBJECT.id[:12], now=other.id[:12]),)
    assert found.changed is not None
    assert 64 * 40 <= found.changed <= 64 * 80


def test_pictures_of_other_sizes_are_not_equal(reproducer: Reproducer) -> None:
    run, _ = made(reproducer)
    found = again(reproducer, encode_png(picture(0), text=metadata_chunks(run)))
    assert (found.equal, found.changed, found.greatest) == (False, None, None)
    assert found.sentence.startswith("not equal: the sizes differ")


def test_a_picture_of_others_is_made_with_a_model_of_ours(reproducer: Reproducer) -> None:
    png = encode_png(picture(1, SUBJECT.extent), text={"parameters": "a cat\nSteps: 3, Sampler: DDIM, Seed: 5"})
    recipe = read_recipe(png)
    found = reproducer.reproduce(png, recipe, SUBJECT, model="demo")
    assert found.run.params == InpaintParams(prompt="a cat", num_inference_steps=3, seed=5)
    assert found.differences == ()
    assert not found.equal


def test_what_cannot_be_painted_is_a_sentence(reproducer: Reproducer) -> None:
    with pytest.raises(UserInputError, match="This cell cannot be painted"):
        made(reproducer, prompt="fails")
    assert made(reproducer)[0].params.prompt == "a beach at sunset", "and the next one goes on"


def test_the_store_and_the_disk_stay_as_they_are(
    settings: Settings, model: NoiseBySeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with Reproducer(settings) as reproducer:
        made(reproducer)
        assert len(list(scratch.rglob("*.sqlite3"))) == 1
    assert list(scratch.iterdir()) == []
    assert not list(settings.home.rglob("*.sqlite3"))
    assert not list(settings.home.rglob("*.png"))


def test_batch_sizes_are_looked_up_and_kept_in_the_deployments_store(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measuring them takes several times as long as the picture."""
    extent, tuning = Extent(width=64, height=64), BatchTuning(batch_size=8, quantum=4, seconds_per_row=0.1)

    def load(*_: Any, tunings: Callable[[str, str], TuningPlace], **__: Any) -> tuple[NoiseBySeed, int]:
        tunings("demo-cpu", "cpu").write(extent, tuning)
        return NoiseBySeed(), 8

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", load)
    with Reproducer(settings, tunings=store.tunings) as reproducer:
        made(reproducer)
    assert store.tunings.last("demo-cpu", extent) == tuning


def test_the_subject_is_found_in_the_store(store: Store) -> None:
    store.subjects.save(SUBJECT, {})
    run = made_up_run(0, subject_id=SUBJECT.id)
    found = find_subject(store, read_recipe(encode_png(picture(), text=metadata_chunks(run))))
    assert found.id == SUBJECT.id
    assert math.isclose(float(found.alpha.mean()), 0.5)


def test_a_subject_that_another_keeps_to_themselves_is_not_found(store: Store) -> None:
    ada, bo = (store.seen_by(Visitor(id=VisitorId(name))) for name in ("ada", "bo"))
    ada.subjects.save(SUBJECT, {})
    ada.subjects.share(SUBJECT.id, "private")
    recipe = read_recipe(encode_png(picture(), text=metadata_chunks(made_up_run(0, subject_id=SUBJECT.id))))
    assert find_subject(ada, recipe).id == SUBJECT.id
    with pytest.raises(UserInputError, match="is not in the store"):
        find_subject(bo, recipe)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            metadata_chunks(made_up_run(0)),
            "The subject 'Ada' .* is not in the store: give its photo and mask, or import",
        ),
        ({"parameters": "a\nSteps: 3, Sampler: DDIM, Seed: 5"}, "does not say of which photo it was made"),
    ],
)
def test_a_subject_that_is_not_there_is_a_sentence(settings: Settings, text: dict[str, str], sentence: str) -> None:
    with open_store(settings) as store, pytest.raises(UserInputError, match=sentence):
        find_subject(store, read_recipe(encode_png(picture(), text=text)))
