"""Submitting a sweep: what it will cost before it runs, and its place in the queue."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bgen_core.extent import Extent
from bgen_core.models.prompt_length import find_cut_off
from bgen_core.models.revision import ModelSource, find_model
from bgen_core.models.schedulers import get_scheduler
from bgen_core.models.world import find_hint
from bgen_core.runs.store import Store, SweepRecord
from bgen_core.settings import Settings
from bgen_core.sweep.canvas import check_subject
from bgen_core.sweep.estimate import estimate_seconds
from bgen_core.sweep.plan import SweepPlan, address_plan


@dataclass(frozen=True, kw_only=True)
class SweepForecast:
    """What a plan will cost.

    Attributes
    ----------
    plan, source
        The plan, and its model pinned to exact weights.
    run_ids
        Content address of each cell.
    known
        How many of them are in the store already.
    notes
        What the person should know before it runs: a sentence each.
    seconds
        Expected time for the others, from speeds measured on this device; None before the first measurement.
    """

    plan: SweepPlan
    source: ModelSource
    run_ids: Sequence[str]
    known: int
    notes: tuple[str, ...]
    seconds: float | None

    @property
    def to_make(self) -> int:
        return len(self.run_ids) - self.known


def forecast_sweep(
    store: Store, settings: Settings, plan: SweepPlan, *, photo: Extent, device_kind: str, dtype_name: str
) -> SweepForecast:
    """Check a plan as far as it can be checked before it runs, and say what it will cost. Nothing is stored.

    Parameters
    ----------
    photo
        Size of the subject's photo; the subject itself need not be in the store yet.
    device_kind, dtype_name
        Where the plan shall run.

    Raises
    ------
    UserInputError
        A value, the subject, the model or the number of cells is not allowed.
    """
    plan.check_size(settings.max_cells)
    for cell in plan.cells():
        get_scheduler(cell.params.scheduler).check_steps(cell.params.num_inference_steps)
    source = find_model(plan.model)
    run_ids = address_plan(plan, source.revision, device_kind=device_kind, dtype_name=dtype_name)
    known = store.known_runs(run_ids)
    missing = [cell for cell, run_id in zip(plan.cells(), run_ids, strict=True) if run_id not in known]
    seconds = estimate_seconds(
        [cell.params for cell in missing],
        photo=photo,
        source=source,
        device_kind=device_kind,
        home=settings.home,
        recent=store.list_runs(limit=30),
    )
    return SweepForecast(
        plan=plan,
        source=source,
        run_ids=run_ids,
        known=sum(run_id in known for run_id in run_ids),
        notes=tuple(_notes(plan, source)),
        seconds=seconds,
    )


def describe_forecast(forecast: SweepForecast) -> str:
    """ "27 cells: 18 known, 9 to make, about 40 s"."""
    cells = len(forecast.run_ids)
    text = f"{cells} cell{'s' if cells != 1 else ''}: {forecast.known} known, {forecast.to_make} to make"
    if not forecast.to_make or forecast.seconds is None:
        return text
    return f"{text}, about {describe_duration(forecast.seconds)}"


def describe_duration(seconds: float) -> str:
    """A time as a person says it: 40 s, 12 min, 3 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _notes(plan: SweepPlan, source: ModelSource) -> Iterator[str]:
    given = {axis.kind.field: axis.values for axis in plan.axes}
    for field in ("prompt", "negative_prompt"):
        for text in map(str, given.get(field, (getattr(plan.base, field),))):
            if cut_off := find_cut_off(source, text):
                shown = cut_off if len(cut_off) <= 80 else cut_off[:79] + "…"
                name = field.replace("_", " ")
                yield f"The {name} is longer than {source.name} reads: “{shown}” is cut off."
    for text in map(str, given.get("prompt", (plan.base.prompt,))):
        if hint := find_hint(source, text):
            yield hint
    guidance = [float(value) for value in given.get("guidance_scale", (plan.base.guidance_scale,))]
    if min(guidance) <= 1 and any(given.get("negative_prompt", (plan.base.negative_prompt,))):
        yield "Guidance 1 and below switches guidance off: the negative prompt has no effect there."


def new_sweep_id() -> str:
    """A name that nobody can guess: it is the sweep's link."""
    return secrets.token_urlsafe(9)


def submit_sweep(
    store: Store, forecast: SweepForecast, *, owner: str, queued: bool = True, sweep_id: str | None = None
) -> str:
    """Put a sweep into the store, for the worker or for this process.

    Parameters
    ----------
    queued
        Whether the worker shall take it; otherwise the caller runs it, and holds its lock already.
    sweep_id
        Its name, or None for a new one.

    Returns
    -------
    str
        The sweep's id.

    Raises
    ------
    UserInputError
        The subject fills its photo or is empty.
    """
    plan = forecast.plan
    check_subject(store.load_subject(plan.subject_id))
    record = SweepRecord(
        id=sweep_id or new_sweep_id(),
        owner=owner,
        created=datetime.now(UTC),
        state="queued" if queued else "running",
        title=plan.base.prompt[:80],
        plan=plan.to_json(),
        subject_id=plan.subject_id,
        total=len(plan),
    )
    store.add_sweep(record, forecast.run_ids)
    return record.id
