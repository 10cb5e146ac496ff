"""Cells that are looked at and left out while they are under way: the others keep their pixels, and rows are saved."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.engine.schedule import DiffusionSchedule, FlowSchedule, ScheduleKey
from bgen_core.sweep.events import Canvas, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_models import tiny_pipeline

SIDE, STEPS, LOOK = 16, 6, 0.3
ROWS = 2 * STEPS  # of one cell, with guidance


def painted(
    scheduler: str, *, unwanted: dict[int, int] | None = None, look: float = LOOK
) -> tuple[dict[int, np.ndarray], list[Stepped], int]:
    """Four cells of one lane: pictures, steps and rows; cell -> step after which it is not wanted any more."""
    random = np.random.default_rng(0)
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    canvas = Canvas(init_image=random.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8), mask_image=mask)
    inpainter = BatchedInpainter(tiny_pipeline("sd-9"), is_watched=lambda: False)
    tuning = BatchTuning(batch_size=8, quantum=8, seconds_per_row=1.0)  # all calls of one size
    inpainter.tunings.get(canvas.extent, lambda kept: tuning)
    gone: set[int] = set()
    cells = [
        PaintCell(
            index=index,
            params=InpaintParams(prompt="x", seed=index, scheduler=scheduler, num_inference_steps=STEPS),
            canvas=canvas,
            looked_at=look,
            is_wanted=partial(lambda index: index not in gone, index),
        )
        for index in range(4)
    ]
    pictures: dict[int, np.ndarray] = {}
    steps: list[Stepped] = []
    for event in inpainter.paint(cells):
        assert not isinstance(event, Failed)
        if isinstance(event, Finished):
            pictures[event.cell.index] = event.image
        elif isinstance(event, Stepped):
            steps.append(event)
            if (unwanted or {}).get(event.cell.index) == event.step:
                gone.add(event.cell.index)
        else:
            assert isinstance(event, Started)
    return pictures, steps, inpainter.rows_computed


@pytest.mark.parametrize("scheduler", ["ddim", "euler_a", "dpmpp_2m", "unipc", "ddpm", "heun"])
def test_a_cell_that_is_left_out_changes_no_pixel_of_its_neighbours(scheduler: str) -> None:
    whole, _, rows = painted(scheduler)
    kept, steps, fewer = painted(scheduler, unwanted={0: 1, 2: 2})
    assert sorted(kept) == [1, 3]
    assert all((kept[index] == whole[index]).all() for index in kept)
    assert [step.step for step in steps if step.cell.index == 2] == [1, 2]
    assert fewer < rows


def test_where_all_are_left_out_nothing_is_evaluated_any_more() -> None:
    _, _, rows = painted("ddim", look=0.0)
    pictures, steps, fewer = painted("ddim", unwanted=dict.fromkeys(range(4), 1))
    assert pictures == {}
    assert len(steps) == 4
    assert fewer < rows / 3


@pytest.mark.parametrize(("look", "after"), [(0.3, 2), (0.5, 3), (0.01, 1), (0.99, None), (0.0, None), (1.0, None)])
def test_each_cell_is_looked_at_once_whoever_watches(look: float, after: int | None) -> None:
    """After the first step that has reached that share; never after the last one, when there is nothing to stop."""
    _, steps, _ = painted("ddim", look=look)
    looks = [step for step in steps if step.is_look]
    assert [(step.cell.index, step.step) for step in looks] == ([] if after is None else [(i, after) for i in range(4)])
    assert all(step.preview is not None and step.preview.dtype == np.uint8 for step in looks)
    assert all(step.preview is None for step in steps if not step.is_look)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("scheduler", ["ddim", "euler", "dpmpp_2m"])
def test_what_is_expected_is_the_noise_free_picture_that_a_perfect_network_sees(
    scheduler: str, prediction: str
) -> None:
    """From a clean picture and noise: the input at each step, and what a network that knows both would answer."""
    own = tiny_pipeline("sd-9").scheduler
    own = own.from_config(own.config, prediction_type=prediction)
    key = ScheduleKey.of(InpaintParams(prompt="x", scheduler=scheduler, num_inference_steps=STEPS))
    schedule = DiffusionSchedule(key, own, "cpu")
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn((2, 4, 8, 8), generator=generator, dtype=torch.float64) for _ in range(2))
    for index in range(STEPS):
        signal = float(schedule._scheduler.alphas_cumprod[round(float(schedule.timesteps[index]))])
        scaled = signal**0.5 * clean + (1 - signal) ** 0.5 * noise
        answers: dict[str, Callable[[], torch.Tensor]] = {
            "epsilon": lambda: noise,
            "sample": lambda: clean,
            "v_prediction": lambda signal=signal: signal**0.5 * noise - (1 - signal) ** 0.5 * clean,
        }
        torch.testing.assert_close(schedule.expected(answers[prediction](), scaled, index), clean)


def test_flow_matching_expects_the_picture_at_the_end_of_the_straight_line() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    key = ScheduleKey.of(InpaintParams(prompt="x", scheduler="default", num_inference_steps=STEPS))
    schedule = FlowSchedule(key, FlowMatchEulerDiscreteScheduler(), "cpu", sigmas=None, mu=None)
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn((2, 4, 8, 8), generator=generator, dtype=torch.float64) for _ in range(2))
    for index in range(STEPS):
        level = float(schedule._scheduler.sigmas[index])
        at = (1 - level) * clean + level * noise
        torch.testing.assert_close(schedule.expected(noise - clean, at, index), clean, atol=1e-5, rtol=0)
