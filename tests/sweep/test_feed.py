"""The engine is fed: cells are asked for a few ahead, and batches stay full over groups of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.sweep.adapters import by_weights
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.engine.feed import WINDOW, Alike, Feed
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_models import tiny_pipeline

SIDE = 16
BASE = InpaintParams(prompt="a", num_inference_steps=2, guidance_scale=1)


def canvas(shade: int) -> Canvas:
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    return Canvas(init_image=np.full((SIDE, SIDE, 3), shade, np.uint8), mask_image=mask)


def engine(batch_size: int = 8) -> BatchedInpainter:
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)
    tuning = BatchTuning(batch_size=batch_size, quantum=4, seconds_per_row=1.0)
    inpainter.tunings.get(Extent(width=SIDE, height=SIDE), lambda kept: tuning)
    return inpainter


def subjects(number: int, each: int) -> list[PaintCell]:
    """Cells of several subjects, with a canvas each."""
    return [
        PaintCell(index=subject * each + seed, canvas=shared, params=replace(BASE, seed=seed))
        for subject, shared in enumerate(map(canvas, range(number)))
        for seed in range(each)
    ]


def test_nothing_drains_between_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five subjects of three cells: 30 rows in batches of 8 are 4 calls, where each subject alone would take 2 of 3."""
    calls: list[int] = []
    hook = tiny_pipeline("sd-9").unet.register_forward_pre_hook(
        lambda module, inputs: calls.append(len(inputs[0])), prepend=True
    )
    cells = subjects(5, 3)
    try:
        events = list(engine().paint(iter(cells)))
    finally:
        hook.remove()
    together = {event.cell.index: event.image for event in events if isinstance(event, Finished)}
    assert sorted(together) == list(range(15))
    assert sum(calls) <= 32 and len(calls) == 4
    for cell in (cells[0], cells[4], cells[14]):  # alone as in company, bit for bit
        (alone,) = [event for event in engine().paint([cell]) if isinstance(event, Finished)]
        assert np.array_equal(alone.image, together[cell.index])


def test_no_more_is_asked_for_than_the_next_batches_need() -> None:
    asked: list[int] = []

    def cells() -> Iterator[PaintCell]:
        shared = canvas(0)
        for index in range(1000):
            asked.append(index)
            yield PaintCell(index=index, canvas=shared, params=replace(BASE, num_inference_steps=1, seed=index))

    events = engine().paint(cells())
    next(event for event in events if isinstance(event, Finished))
    assert len(asked) <= 2 * WINDOW
    finished = 1
    for event in events:
        finished += isinstance(event, Finished)
        if finished == 100:
            break
    assert len(asked) <= 100 + 2 * WINDOW
    events.close()


def test_a_fault_of_the_feed_reaches_who_paints() -> None:
    def cells() -> Iterator[PaintCell]:
        yield from subjects(1, 1)
        raise KeyError("the store")

    with pytest.raises(KeyError):
        list(engine().paint(cells()))


def test_what_waits_is_taken_by_its_loras() -> None:
    plain, inked = (), ("ink",)
    cells = [replace(cell, loras=inked if cell.index % 2 else plain) for cell in subjects(1, WINDOW + 10)]  # pyright: ignore
    feed = Feed(
        iter(cells),
        refusal_of=lambda cell: "no" if cell.index == 4 else "",
        alike_of=lambda cell: Alike(loras=cell.loras, reference=None, in_tiles=False, extent=cell.canvas.extent),
        multiple=2,
    )
    taken: list[Any] = []
    while (alike := feed.next_alike()) is not None:
        taken.append((alike.loras, [cell.index for cell in feed.take(alike)]))
    assert [loras for loras, _ in taken[:2]] == [plain, inked]
    assert sorted(index for _, indices in taken for index in indices) == [n for n in range(WINDOW + 10) if n != 4]
    assert list(feed.refused()) == [Failed(index=4, reason="no")]
    assert len(taken) <= 4  # switched once for a window, and not for each cell
    ordered = [cell.loras for cell in by_weights(iter(cells[:6]))]
    assert ordered == [plain] * 3 + [inked] * 3


def test_a_model_that_cannot_be_measured_fails_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), previews=False)

    def broken(*_: Any) -> torch.Tensor:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(inpainter.denoiser, "predict", broken)
    events = list(inpainter.paint(iter(subjects(1, WINDOW + 3))))
    assert [event.index for event in events if isinstance(event, Failed)] == list(range(WINDOW + 3))
