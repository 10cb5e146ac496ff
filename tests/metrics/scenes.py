"""Pictures with known answers."""

from typing import Any

import numpy as np

from bgen_core.metrics import MetricInput, compute_metrics
from bgen_core.records.run import RunRecord
from tests.made_up import made_up_run


def disc(height: int, width: int, radius: float, *, softness: float = 0.0) -> np.ndarray:
    """float32, HW, in steps of 1/255: a subject in the middle, its edge a ramp of `softness` pixels."""
    ys, xs = np.mgrid[:height, :width]
    inside = radius - np.hypot(ys - (height - 1) / 2, xs - (width - 1) / 2)
    alpha = np.clip(inside / softness + 0.5, 0, 1) if softness else (inside > 0).astype(float)
    return (np.rint(alpha * 255) / np.float32(255)).astype(np.float32)


def noise(height: int, width: int, *, seed: int = 0, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (height, width, 3), dtype=np.uint8)


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def measure(
    name: str, *, record: RunRecord | None = None, clip_model: str = "", preference_model: str = "", **inputs: Any
) -> float | str:
    """The value, or the reason why there is none."""
    given = MetricInput(record=record or made_up_run(), **inputs)
    (measured,) = compute_metrics(given, names=[name], clip_model=clip_model, preference_model=preference_model)
    assert measured.name == name
    assert measured.value is not None or measured.reason
    return measured.reason if measured.value is None else measured.value
