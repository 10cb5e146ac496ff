"""Sweeps of a model that paints noise at once, for tests of what becomes of a sweep."""

from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from bgen_core.extent import Extent
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.records.sweep import SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.events import Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan


class Noise:
    """An inpainter that paints noise at once."""

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Any]:
        for cell in cells:
            if cell is None:
                return
            extent = cell.canvas.extent
            image = np.full((extent.height, extent.width, 3), cell.params.seed % 256, np.uint8)
            yield Finished(cell=cell, image=image, seconds={})

    def tune(self, extent: Extent) -> None: ...

    def is_tuned(self, extent: Extent) -> bool:
        return True


def forecast(
    store: Store, settings: Settings, *, seeds: str = "1-3", model: str = "demo", axes: tuple[str, str] | None = None
) -> SweepForecast:
    alpha = np.zeros((64, 80), np.float32)
    alpha[20:, 20:60] = 1
    subject = Subject(name="box", image=np.full((64, 80, 3), 90, np.uint8), alpha=alpha)
    store.subjects.save(subject, {})
    base = InpaintParams(prompt="a beach", num_inference_steps=2)
    more = (parse_axis(*axes),) if axes else ()
    plan = SweepPlan(subject_id=subject.id, model=model, base=base, axes=(parse_axis("seed", seeds), *more))
    return forecast_sweep(
        store, settings, plan, photos={subject.id: subject.extent}, device_kind="cpu", dtype_name="float32"
    )


def submit(
    store: Store,
    settings: Settings,
    *,
    seeds: str = "1-3",
    owner: str = "ada",
    model: str = "demo",
    seconds: float = 0,
    axes: tuple[str, str] | None = None,
) -> str:
    forecasted = forecast(store, settings, seeds=seeds, model=model, axes=axes)
    if seconds:
        object.__setattr__(forecasted, "seconds", seconds)
    return submit_sweep(store, forecasted, owner=owner)


def claim(store: Store) -> SweepRecord:
    sweep = store.sweeps.claim_next()
    assert sweep is not None
    return sweep
