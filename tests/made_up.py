"""Runs, sweeps and pictures that nobody computed: what the tests of the store put into it."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bgen_core.extent import Extent
from bgen_core.ids import VisitorId
from bgen_core.records.run import PaintedRun, RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.visitor import Visitor
from bgen_core.runs.table import FIELDS
from bgen_core.store.store import Store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.params import InpaintParams

if TYPE_CHECKING:
    import pandas as pd

EXTENT = Extent(width=48, height=32)
MODEL_EXTENT = Extent(width=24, height=16)
PARAMS: dict[str, Any] = {"prompt": "a beach at sunset", "negative_prompt": "text"}
VISITOR = Visitor(id=VisitorId("0123456789ab"))
ADMIN = Visitor(id=VisitorId("00000000ad41"), role="admin")
LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def run_id(number: int) -> str:
    return hashlib.sha256(f"run {number}".encode()).hexdigest()


def made_up_run(number: int = 0, *, params: dict[str, Any] | None = None, **changes: Any) -> RunRecord:
    """Run `number`: each has another id, seed and time; a later number is newer."""
    record = RunRecord(
        id=run_id(number),
        raw_id=run_id(number),
        subject_id=hashlib.sha256(b"subject").hexdigest(),
        subject_name="Ada",
        params=InpaintParams(**{**PARAMS, "seed": number, **(params or {})}),
        model="demo",
        model_revision="0123456789abcdef" * 2,
        extent=EXTENT,
        model_extent=MODEL_EXTENT,
        device="cpu",
        dtype="float32",
        versions={"torch": "2.13.0", "diffusers": "0.42.1"},
        seconds={"prepare": 0.125, "denoise": 1.5, "decode": 0.25, "composite": 0.0625},
        peak_memory_mb=912.5,
        owner="visitor",
        created=LONG_AGO + timedelta(minutes=number),
        image=hashlib.sha256(f"picture {number}".encode()).hexdigest(),
        raw=hashlib.sha256(f"raw picture {number}".encode()).hexdigest(),
    )
    return replace(record, **changes)


def picture(number: int = 0, extent: Extent = EXTENT) -> np.ndarray:
    """uint8, HWC, RGB: noise, another for each number."""
    return np.random.default_rng(number).integers(0, 256, (extent.height, extent.width, 3), dtype=np.uint8)


def painted(run: RunRecord) -> PaintedRun:
    """The run as it was before it was committed."""
    return PaintedRun(**{each.name: getattr(run, each.name) for each in fields(PaintedRun)})


def commit(store: Store, run: RunRecord) -> RunRecord:
    """Commit a run with pictures that belong to its seed, in place of those that it names."""
    seed = run.params.seed
    image, raw_image = picture(seed, run.extent), picture(seed + 1, run.model_extent)
    return store.runs.commit(painted(run), image=image, raw_image=raw_image)


def flip_a_bit(path: Path) -> None:
    """Damage a file as a bad disk does: its length and nearly all of its bytes stay."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def made_up_subject(number: int = 0, name: str = "Ada") -> Subject:
    alpha = np.random.default_rng(number).random((EXTENT.height, EXTENT.width), dtype=np.float32)
    return Subject(name=name, image=picture(), alpha=alpha)


def made_up_sweep(sweep_id: str = "sweep-1", *, cells: Sequence[str] = (), **changes: Any) -> SweepRecord:
    record = SweepRecord(
        id=sweep_id,
        owner="visitor",
        created=LONG_AGO,
        state="queued",
        title="steps × guidance",
        plan={"axes": [{"name": "seed", "values": [1, 2]}]},
        subject_id="s" * 64,
        total=len(cells),
    )
    return replace(record, **changes)


def frame_of(runs: Sequence[RunRecord]) -> "pd.DataFrame":
    """The runs as a table with the columns of `FIELDS`, in the order given."""
    import pandas as pd  # processes that commit runs do without

    return pd.DataFrame({each.name: [each.read(run) for run in runs] for each in FIELDS})
