"""A whole sweep, through store and runner as the worker runs it, against the engine alone: in turns, in one run."""

import itertools
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from bgen_core.extent import Extent
from bgen_core.ids import VisitorId
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.records.run_png import encode_run_png
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_photo
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.compositing import composite
from bgen_core.subject.pasting.edge import Edges
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.canvas import choose_model_extent, prepare_cells
from bgen_core.sweep.events import Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.steering.applied_reference import WITHOUT_STEERING

PHOTOS = {"1 megapixel": Extent(width=1152, height=864), "12 megapixels": Extent(width=4000, height=3000)}
STEPS, GUIDANCE, SEEDS = "8,16,24", "1,3,6", "1-3"
_SAMPLE_LIMITS = DecodeLimits(max_bytes=10_000_000, max_pixels=10_000_000, min_side=1)
_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What was measured with one photo.

    Attributes
    ----------
    engine, sweep
        Seconds of each alternation: the cells painted and thrown away, and the sweep from the queue to its last commit.
    commit
        Where one picture's commit spends its milliseconds when nothing else runs.
    """

    photo: Extent
    cells: int
    engine: list[float]
    sweep: list[float]
    commit: dict[str, float]

    @property
    def ratio(self) -> float:
        """Median of the ratios within each alternation."""
        return median(whole / alone for whole, alone in zip(self.sweep, self.engine, strict=True))

    @property
    def outside(self) -> float:
        """Median of the seconds that the sweep takes beside the engine's."""
        return median(whole - alone for whole, alone in zip(self.sweep, self.engine, strict=True))


def measure_sweeps(
    settings: Settings, model: str, alternations: int, report: Callable[[str], None]
) -> dict[str, SweepResult]:
    """Photo ("1 megapixel") -> what was measured; in a store of its own, which is thrown away."""
    with own_store(settings) as (store, member, own):
        runner = Runner(store, own, member)
        return {
            name: _measure(store, member, own, runner, model, extent, alternations, report)
            for name, extent in PHOTOS.items()
        }


def _measure(
    store: Store,
    member: Member,
    settings: Settings,
    runner: Runner,
    model: str,
    photo: Extent,
    alternations: int,
    report: Callable[[str], None],
) -> SweepResult:
    subject = made_up_subject(photo)
    store.subjects.save(subject, {})
    loaded = runner.prepare(model)
    side = loaded.source.entry.side
    extent = choose_model_extent(photo, side=side, factor=loaded.factor)
    loaded.inpainter.tune(extent)

    def plan(number: int, steps: str = STEPS) -> SweepPlan:
        axes = (parse_axis("steps", steps), parse_axis("guidance", GUIDANCE), parse_axis("seed", SEEDS))
        base = InpaintParams(prompt=f"a beach at sunset, {number}", scheduler="default")
        return SweepPlan(subject_id=subject.id, model=model, base=base, axes=axes)

    def paint(asked: SweepPlan) -> None:
        cells = prepare_cells(subject, list(asked.cells()), extent, {}, WITHOUT_STEERING)
        events = loaded.inpainter.paint([cell for cell in cells if isinstance(cell, PaintCell)])
        if sum(isinstance(event, Finished) for event in events) != len(asked):
            raise RuntimeError("not every cell was painted")

    def run(asked: SweepPlan) -> None:
        kind, dtype = runner.device.kind, runner.device.dtype_name
        forecast = forecast_sweep(
            store, settings, asked, photos={subject.id: photo}, device_kind=kind, dtype_name=dtype
        )
        sweep_id = submit_sweep(store, forecast, owner=VisitorId("bench"))
        store.sweeps.claim_next()
        with holding(member, sweep_id):
            *_, ended = execute_sweep(store, member, runner, sweep_id)
        if not isinstance(ended, Ended) or ended.made != len(asked):
            raise RuntimeError(f"the sweep ended otherwise than it should: {ended}")

    paint(plan(0, "2"))
    run(plan(0, "2"))
    engine: list[float] = []
    sweep: list[float] = []
    for number in range(1, alternations + 1):
        asked = plan(number)
        engine.append(_seconds(lambda asked=asked: paint(asked)))
        sweep.append(_seconds(lambda asked=asked: run(asked)))
        report(f"{photo}: engine {engine[-1]:.2f} s, whole sweep {sweep[-1]:.2f} s")
    return SweepResult(
        photo=photo,
        cells=len(plan(0)),
        engine=engine,
        sweep=sweep,
        commit=measure_commit(store, subject, extent),
    )


def measure_commit(store: Store, subject: Subject, extent: Extent) -> dict[str, float]:
    """Stage of one picture's commit -> its median milliseconds, when nothing else runs."""
    edges = Edges(subject.image, subject.alpha)
    raw = cv2.resize(subject.image, (extent.width, extent.height))
    image = composite(subject.image, subject.alpha, raw, edges=edges)
    texts = ({"parameters": f"{number}"} for number in itertools.count())
    stages: dict[str, Callable[[], object]] = {
        "composite": lambda: composite(subject.image, subject.alpha, raw, edges=edges),
        "encode the picture": lambda: encode_run_png(image, next(texts)),
        "encode the raw picture": lambda: encode_run_png(raw, next(texts)),
        "encode and store the picture": lambda: store.blobs.put(encode_run_png(image, next(texts))),
    }
    return {name: 1000 * median(_seconds(work) for _ in range(_REPEATS)) for name, work in stages.items()}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def own_store(settings: Settings) -> Generator[tuple[Store, Member, Settings]]:
    """A store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="bgen-bench-") as home:
        own = settings.model_copy(update={"home": Path(home), "database": "", "blobs": ""})
        with open_store(own) as store, Member(store, "worker") as member:
            yield store, member, own


def made_up_subject(extent: Extent) -> Subject:
    """A photo with grain, as a camera's has, and a soft-edged ellipse that is kept."""
    sample = decode_photo(SAMPLES[0].read(), name=SAMPLES[0].file_name, limits=_SAMPLE_LIMITS).image
    photo = cv2.resize(sample, (extent.width, extent.height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = np.random.default_rng(0).normal(0, 2, (*photo.shape[:2], 1)).round().astype(np.int16)
    ellipse = np.zeros(photo.shape[:2], np.float32)
    centre, axes = (extent.width // 2, extent.height * 2 // 3), (extent.width // 6, extent.height // 3)
    cv2.ellipse(ellipse, centre, axes, 0, 0, 360, 1.0, -1)
    alpha = cv2.GaussianBlur(ellipse, (0, 0), extent.shortest_side / 300)
    alpha[alpha > 1 - 1 / 512] = 1
    alpha[alpha < 1 / 512] = 0
    return Subject(name="bench", image=np.clip(photo + grain, 0, 255).astype(np.uint8), alpha=alpha)
