"""How far a sweep scales over devices like this one: its stages are measured here, and many painters are simulated."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import numpy as np
import torch

from bgen_core.bench.shapes import SHAPES, random_pipeline
from bgen_core.bench.simulation import Simulated, SimulatedSweep, StageTimes, simulate
from bgen_core.bench.sweep import made_up_subject, measure_commit, own_store
from bgen_core.content_address import hash_content
from bgen_core.extent import Extent
from bgen_core.ids import RawId, RunId, SubjectId
from bgen_core.models.devices import Device, find_device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_model
from bgen_core.records.run import PaintedRun
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.engine.batch_size import CANDIDATES, probe_rows
from bgen_core.sweep.engine.decoding import to_pixels
from bgen_core.sweep.engine.denoiser import Denoiser
from bgen_core.sweep.engine.denoisers import make_denoiser
from bgen_core.sweep.engine.rows import RowEvaluator
from bgen_core.sweep.params import InpaintParams

PAINTERS = (1, 2, 4, 8, 16, 32, 64)
CELLS = 10_000
SLOW_PART = 0.25
PHOTO = Extent(width=1152, height=864)
_REPEATS = 3
_COMMITS = 30
_LONG_SECONDS = 3.0  # after a call of this length no larger one is tried


def measure_stages(
    settings: Settings, model: str, shape: str | None, report: Callable[[str], None]
) -> tuple[str, StageTimes, Device]:
    """What is measured, by its name; its stages; and the device.

    Parameters
    ----------
    model
        Catalogue name, Hub id or local folder, where no shape is given.
    shape
        One of `SHAPES`: random weights of the true size.
    """
    device = find_device(settings.device, settings.precision)
    if shape:
        name, side, pipeline = f"random weights, shape {shape}", SHAPES[shape], random_pipeline(shape, device)
    else:
        source = find_model(model)
        name, side, pipeline = source.name, source.entry.side, load_pipeline(source, device.for_family(source.family))
    denoiser = make_denoiser(pipeline)
    if denoiser is None:
        raise RuntimeError(f"{name} is not painted by the engine")
    extent = choose_model_extent(PHOTO, side=side)
    calls = _call_seconds(denoiser, extent)
    report("calls of the network: " + ", ".join(f"{rows} rows {spent * 1000:.1f} ms" for rows, spent in calls.items()))
    decode = _decode_seconds(denoiser, extent)
    with own_store(settings) as (store, _, _):
        stages = measure_commit(store, made_up_subject(PHOTO), extent)
        encode = sum(stages[each] for each in ("composite", "encode the picture", "encode the raw picture")) / 1000
        put = 2 * max(0.0, stages["encode and store the picture"] - stages["encode the picture"]) / 1000
        database = _database_seconds(store)
    report(f"decoding {decode:.3f} s, composing and encoding {encode:.3f} s, database {1 / database:.0f} commits/s")
    times = StageTimes(
        call_seconds=calls,
        decode_seconds=decode,
        encode_seconds=encode,
        put_seconds=put,
        lease_seconds=database,
        database_seconds=database,
    )
    return name, times, device


def simulate_scales(times: StageTimes, *, slow_part: float) -> dict[int, Simulated]:
    """Painters -> what comes of a large sweep."""
    return {
        painters: simulate(times, SimulatedSweep(cells=CELLS, painters=painters, slow_part=slow_part))
        for painters in PAINTERS
    }


@torch.inference_mode()
def _call_seconds(denoiser: Denoiser, extent: Extent) -> dict[int, float]:
    rows = probe_rows(denoiser, extent, max(CANDIDATES))
    found: dict[int, float] = {}
    for size in CANDIDATES:
        evaluator = RowEvaluator(denoiser, extent=extent, batch_size=size, quantum=1)
        found[size] = _median_seconds(lambda evaluator=evaluator, size=size: evaluator.evaluate(rows[:size])[-1].cpu())
        if found[size] > _LONG_SECONDS:
            break
    return found


@torch.inference_mode()
def _decode_seconds(denoiser: Denoiser, extent: Extent) -> float:
    latents = probe_rows(denoiser, extent, 1)[0].latents[None]
    return _median_seconds(lambda: to_pixels(denoiser.decode(latents, extent)[0]).cpu())


def _database_seconds(store: Store) -> float:
    """Of one row, when its pictures are in the store."""
    small = Extent(width=8, height=8)
    image = np.zeros((small.height, small.width, 3), np.uint8)
    run = PaintedRun(
        id=RunId(hash_content({"bench": "first"})),
        raw_id=RawId(hash_content({"bench": "raw"})),
        subject_id=SubjectId(hash_content({"bench": "subject"})),
        subject_name="bench",
        params=InpaintParams(prompt="a beach"),
        model="bench",
        model_revision="0" * 64,
        extent=small,
        model_extent=small,
        device="bench",
        dtype="float32",
        versions={},
        seconds={},
        peak_memory_mb=0.0,
        created=datetime.now(UTC),
    )
    record = store.runs.commit(run, image=image, raw_image=image)
    numbers = iter(range(_COMMITS))

    def write() -> None:
        store.runs.add(replace(record, id=RunId(hash_content({"bench": next(numbers)}))), {})

    return median(_seconds(write) for _ in range(_COMMITS))


def _median_seconds(work: Callable[[], object]) -> float:
    work()  # nothing is measured cold
    return median(_seconds(work) for _ in range(_REPEATS))


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
