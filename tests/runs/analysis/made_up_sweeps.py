"""Frames of one sweep's cells whose truth is known."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from bgen_core.runs.analysis.columns import AxisColumn, Measure

STEPS = AxisColumn(name="num_inference_steps", label="Steps")
GUIDANCE = AxisColumn(name="guidance_scale", label="Guidance")
SCHEDULER = AxisColumn(name="scheduler", label="Scheduler")
SEED = AxisColumn(name="seed", label="Seed")
SEAM = Measure(name="seam", label="Seam", direction="lower")
CLIP = Measure(name="clip_score", label="CLIP score", direction="higher")
DETAIL = Measure(name="detail", label="Background detail", unit="levels/px")


def sweep(
    axes: dict[AxisColumn, Sequence[Any]], measure: Measure, value: Callable[..., float | None], **more: Any
) -> pd.DataFrame:
    """One row per combination; `value` gets the values of the axes in their order."""
    rows: list[dict[str, Any]] = []
    for index, chosen in enumerate(itertools.product(*axes.values())):
        row = {axis.name: each for axis, each in zip(axes, chosen, strict=True)}
        rows.append({"id": f"run-{index}", **row, measure.name: value(*chosen), **more})
    return pd.DataFrame(rows)
