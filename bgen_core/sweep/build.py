"""From what a person typed to a plan: texts of axes, with the model's own defaults where nothing was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bgen_core.models.catalogue import ModelEntry
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.params import MAX_STEPS, InpaintParams
from bgen_core.sweep.plan import SweepPlan


def default_params(entry: ModelEntry, prompt: str = "") -> InpaintParams:
    """Where a first picture with that model should start."""
    return InpaintParams(
        prompt=prompt,
        scheduler=entry.scheduler,
        num_inference_steps=entry.steps,
        guidance_scale=entry.guidance,
    )


def check_values(axis: Axis) -> None:
    """Refuse a value that no picture can have, whatever the other parameters are.

    Raises
    ------
    UserInputError
        Names the axis, the value and what is allowed.
    """
    lenient = InpaintParams(prompt="any", num_inference_steps=MAX_STEPS)
    if axis.kind.field in lenient.to_json():
        for value in axis.values:
            replace(lenient, **{axis.kind.field: value})


def build_plan(
    entry: ModelEntry,
    texts: Mapping[str, str | None],
    given: Sequence[Axis] = (),
    *,
    subject_id: str,
) -> SweepPlan:
    """A plan from axes as a person writes them.

    Parameters
    ----------
    entry
        The model; its defaults fill what is not given.
    texts
        Axis name -> text for `parse_axis`; None where nothing was typed.
    given
        Axes that are parsed already, such as models, subjects and prompts; they vary slowest.
    subject_id
        The subject where no axis names one.

    Returns
    -------
    SweepPlan
        Axes of a single value are part of the base.

    Raises
    ------
    UserInputError
        Names the axis, the piece or value, and what is allowed.
    """
    parsed = [*given, *(parse_axis(name, text) for name, text in texts.items() if text is not None)]
    axes = tuple(axis for axis in parsed if len(axis.values) > 1)
    # Values that stand together are checked together: a strength may need more steps than the model's default.
    first: dict[str, Any] = {
        axis.kind.field: axis.values[0] for axis in parsed if axis.kind.kind not in ("replacement", "model", "subject")
    }
    base = replace(default_params(entry), **first)
    for axis in axes:
        if axis.kind.field in first and axis.kind.kind != "replacement":
            for value in axis.values:
                replace(base, **{axis.kind.field: value})
    alone = {axis.name: str(axis.values[0]) for axis in parsed if len(axis.values) == 1}
    return SweepPlan(
        subject_id=alone.get("subject", subject_id), model=alone.get("model", entry.name), base=base, axes=axes
    )
