"""Families outside the engine, on a small random SD3: the same events, a cell's pixels its own, cancelling."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.pipeline_call import PipelineInpainter
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

PARAMS = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=3, strength=0.9)


def tiny_sd3() -> Any:
    return tiny_family("sd3")


@pytest.fixture(scope="module")
def cells() -> list[PaintCell]:
    generator = np.random.default_rng(0)
    mask = np.full((32, 32), 255, np.uint8)
    mask[12:, 10:20] = 0
    canvas = Canvas(init_image=generator.integers(0, 255, (32, 32, 3), dtype=np.uint8), mask_image=mask)
    return [PaintCell(index=i, canvas=canvas, params=replace(PARAMS, seed=i)) for i in range(6)]


def paint(cells: list[PaintCell]) -> dict[int, np.ndarray]:
    events = PipelineInpainter(tiny_sd3()).paint(cells)
    return {event.cell.index: event.image for event in events if isinstance(event, Finished)}


def test_a_cell_is_the_same_alone_and_in_company(cells: list[PaintCell]):
    together = paint(cells)
    assert sorted(together) == list(range(6))
    for cell in (cells[0], cells[2], cells[5]):
        assert np.array_equal(paint([cell])[cell.index], together[cell.index])
    assert not np.array_equal(together[0], together[1])


def test_the_events_are_those_of_the_engine(cells: list[PaintCell]):
    whole = [replace(cell, params=replace(cell.params, strength=1.0)) for cell in cells[:2]]
    own = [event for event in PipelineInpainter(tiny_sd3()).paint(whole) if event.cell.index == 1]  # pyright: ignore
    assert isinstance(own[0], Started)
    assert [(event.step, event.of) for event in own if isinstance(event, Stepped)] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(own[-1], Finished)


def test_closing_stops_the_call(cells: list[PaintCell]):
    before = set(threading.enumerate())
    long = replace(cells[0], params=replace(PARAMS, num_inference_steps=500, strength=1.0))
    calls: list[int] = []
    pipeline = tiny_sd3()
    hook = pipeline.transformer.register_forward_pre_hook(lambda *_: calls.append(1))
    events = PipelineInpainter(pipeline).paint([long])
    try:
        next(event for event in events if isinstance(event, Stepped))
        events.close()
    finally:
        hook.remove()
    assert len(calls) < 400
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("changes", "words"), [({"scheduler": "euler"}, "choose the scheduler 'default', not 'euler'")]
)
def test_what_the_family_cannot_do_fails_in_one_sentence(cells: list[PaintCell], changes: dict[str, Any], words: str):
    bad = replace(cells[0], params=replace(PARAMS, **changes))
    events = list(PipelineInpainter(tiny_sd3()).paint([bad, cells[1]]))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert words in failed.reason
    assert sum(isinstance(event, Finished) for event in events) == 1


def test_a_unet_pipeline_runs_this_way_too(cells: list[PaintCell]):
    events = PipelineInpainter(tiny_pipeline("sd-4")).paint(cells[:2])
    assert sum(isinstance(event, Finished) for event in events) == 2
