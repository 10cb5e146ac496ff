"""A batch's halves are computed at once where that is faster, and no bit of a picture depends on it."""

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine import BatchedInpainter, batch_size
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.events import Canvas, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_models import tiny_pipeline

SIDE = 16
EXTENT = Extent(width=SIDE, height=SIDE)
PATIENCE = 30.0  # seconds


def filled(number: int, *, quantum: int, most: int) -> int:
    assert number <= most
    return -(-number // quantum) * quantum


class Calls:
    """A network that gives each row back, doubled, and tells of its calls."""

    has_quantum = True

    def __init__(self, called: Callable[[Sequence[Any]], None] = lambda _: None, *, is_compiled: bool = False) -> None:
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        self.modes: set[bool] = set()
        self._called = called
        self.network = SimpleNamespace(is_compiled=is_compiled, is_reentrant=True, filled=filled)

    def predict(self, rows: Sequence[Any], _: Extent) -> torch.Tensor:
        self.sizes.append(len(rows))
        self.threads.add(threading.get_ident())
        self.modes.add(torch.is_inference_mode_enabled())
        self._called(rows)
        return torch.stack([2 * row.latents for row in rows])


def rows(number: int) -> list[Any]:
    prompt = SimpleNamespace(embeds=torch.zeros(1, 3, 2))
    return [
        SimpleNamespace(latents=torch.full((4,), float(place)), prompt=prompt, share=None) for place in range(number)
    ]


def evaluator(calls: Any, *, in_halves: bool = True, most: int = 16) -> RowEvaluator:
    return RowEvaluator(calls, extent=EXTENT, batch_size=most, quantum=4, in_halves=in_halves)


@pytest.mark.parametrize(
    ("number", "sizes"), [(16, [8, 8]), (12, [4, 8]), (9, [4, 8]), (5, [4, 4]), (4, [4]), (20, [4, 8, 8])]
)
@torch.inference_mode()
def test_halves_are_multiples_of_the_quantum_and_rows_stay_in_their_order(number: int, sizes: list[int]) -> None:
    calls = Calls()
    found = evaluator(calls).evaluate(rows(number))
    assert sorted(calls.sizes) == sizes
    assert [float(each[0]) for each in found] == [2.0 * place for place in range(number)]
    assert calls.modes == {True}


def test_both_halves_are_under_way_at_once() -> None:
    both = threading.Barrier(2)
    calls = Calls(lambda _: [both.wait(PATIENCE)].clear())
    evaluator(calls).evaluate(rows(16))
    assert len(calls.threads) == 2


@pytest.mark.parametrize(("in_halves", "is_compiled"), [(False, False), (True, True)])
def test_a_batch_is_whole_where_halves_are_no_faster_or_compiled_sizes_count(
    in_halves: bool, is_compiled: bool
) -> None:
    calls = Calls(is_compiled=is_compiled)
    evaluator(calls, in_halves=in_halves).evaluate(rows(16))
    assert calls.sizes == [16] and calls.threads == {threading.get_ident()}


def test_a_network_whose_layers_change_their_weights_for_a_call_is_not_called_by_two_threads() -> None:
    calls = Calls()
    calls.network.is_reentrant = False
    evaluator(calls).evaluate(rows(16))
    assert calls.sizes == [16] and calls.threads == {threading.get_ident()}
    pipeline = copy.deepcopy(tiny_pipeline("sd-9"))  # others use that one as it is
    engine = BatchedInpainter(pipeline)
    assert engine.denoiser.network.is_reentrant
    pipeline.unet.to(torch.float16).enable_layerwise_casting(
        storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float16
    )
    assert not engine.denoiser.network.is_reentrant


@pytest.mark.parametrize("failing", [0, 8])
def test_a_half_that_fails_fails_the_call_when_the_other_has_ended(failing: int) -> None:
    ended: list[int] = []

    def called(given: Sequence[Any]) -> None:
        first = int(given[0].latents[0])
        if first == failing:
            raise RuntimeError("no such kernel")
        threading.Event().wait(0.05)  # the longer of both
        ended.append(first)

    with pytest.raises(RuntimeError, match="no such kernel"):
        evaluator(Calls(called)).evaluate(rows(16))
    assert ended == [8 - failing]


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("made up"),
        # What a processor's allocator says under a limit of memory.
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to …"
        ),
    ],
)
def test_a_half_without_memory_halves_the_batch(fault: Exception) -> None:
    def called(given: Sequence[Any]) -> None:
        if len(given) > 4:
            raise fault

    calls = Calls(called)
    found = evaluator(calls).evaluate(rows(16))
    assert [float(each[0]) for each in found] == [2.0 * place for place in range(16)]
    assert sorted(calls.sizes) == [4, 4, 4, 4, 8, 8]


@pytest.mark.parametrize("family", ["sd-9", "sd-4", "sdxl-9"])
def test_pictures_are_the_same_bit_for_bit(family: str) -> None:
    generator = np.random.default_rng(0)
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[5:, 4:11] = 0
    canvas = Canvas(init_image=generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8), mask_image=mask)
    cells = [
        PaintCell(
            index=index,
            params=InpaintParams(
                prompt="a beach", seed=index, num_inference_steps=2 + index % 3, guidance_scale=1.0 + index % 2
            ),
            canvas=canvas,
        )
        for index in range(13)
    ]

    def painted(in_halves: bool) -> dict[int, np.ndarray]:
        inpainter = BatchedInpainter(tiny_pipeline(family), previews=False)
        quantum = batch_size.measure_batch(inpainter.denoiser, EXTENT).quantum
        assert quantum is not None
        tuning = BatchTuning(batch_size=4 * quantum, quantum=quantum, seconds_per_row=1.0, in_halves=in_halves)
        inpainter.tunings.get(EXTENT, lambda kept: tuning)
        return {event.cell.index: event.image for event in inpainter.paint(cells) if isinstance(event, Finished)}

    whole, halved = painted(in_halves=False), painted(in_halves=True)
    assert sorted(halved) == list(range(13))
    assert all(np.array_equal(whole[index], halved[index]) for index in whole)


TUNING = BatchTuning(batch_size=16, quantum=4, seconds_per_row=0.01, decoded_together=1)


def chosen(
    monkeypatch: pytest.MonkeyPatch,
    tuning: BatchTuning,
    seconds: dict[tuple[int, bool], float],
    *,
    device: str = "cpu",
    threads: int = 2,
    is_reentrant: bool = True,
) -> BatchTuning:
    def timed(made: RowEvaluator, given: Sequence[Any]) -> float:
        return seconds[len(given), made.in_halves]

    monkeypatch.setattr(batch_size, "_seconds_per_row", timed)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    denoiser: Any = SimpleNamespace(device=torch.device(device), network=SimpleNamespace(is_reentrant=is_reentrant))
    return batch_size.with_halves(denoiser, EXTENT, [None] * 64, tuning)  # pyright: ignore[reportArgumentType]


def test_the_faster_way_is_taken_and_a_larger_batch_where_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {(16, False): 0.010, (16, True): 0.008, (32, True): 0.0079}
    assert chosen(monkeypatch, TUNING, fast) == replace(TUNING, seconds_per_row=0.008, in_halves=True)
    faster = {**fast, (32, True): 0.007}
    expected = replace(TUNING, batch_size=32, seconds_per_row=0.007, in_halves=True)
    assert chosen(monkeypatch, TUNING, faster) == expected
    slow = {(16, False): 0.010, (16, True): 0.0101, (32, True): 0.010}
    assert chosen(monkeypatch, TUNING, slow) == replace(TUNING, in_halves=False)


@pytest.mark.parametrize(
    ("tuning", "device", "threads"),
    [
        (TUNING, "cuda", 2),
        (TUNING, "cpu", 1),
        (replace(TUNING, quantum=None), "cpu", 2),
        (replace(TUNING, seconds_per_row=1.0), "cpu", 2),  # calls of 16 s
        (replace(TUNING, batch_size=64, quantum=64), "cpu", 2),
    ],
)
def test_nothing_is_timed_where_nothing_can_be_gained(
    tuning: BatchTuning, device: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = chosen(monkeypatch, tuning, {}, device=device, threads=threads)
    assert found == replace(tuning, in_halves=False) and found.is_whole


def test_halves_of_a_network_that_two_threads_cannot_call_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, TUNING, {}, is_reentrant=False) == replace(TUNING, in_halves=False)
