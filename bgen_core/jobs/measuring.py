"""Measuring runs off the page's path: the worker does it while nothing waits, the command line when asked."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import BlobHash, RunId, SubjectId, SweepId
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.metrics import (
    JUDGING,
    METRICS,
    MetricInput,
    MetricValue,
    compute_metrics,
    find_metric,
    needed_inputs,
    reduced_for_seed_mates,
    seed_key,
)
from bgen_core.metrics.clip import JUDGES, Judge
from bgen_core.records.run import RunRecord
from bgen_core.settings import Settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.pasting.compositing import effective_alpha
from bgen_core.subject.placing import Composition, PlacedSubject
from bgen_core.subject.subject import Subject
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

WORK = "Metrics"
SEED_METRIC = "seed_difference"
_LOADING = threading.Lock()  # threads that commit measure too: one reads the subject, and the others have it then
_MATE_SIDE = 256
_WHITE = 255  # what a transparent picture is measured on
_MATES = 8  # so many seed-mates tell how much a seed changes


def current_versions(names: Sequence[str] | None = None) -> dict[str, int]:
    """Metric -> version that counts; of these metrics, or of all."""
    return {metric.name: metric.version for metric in METRICS if names is None or metric.name in names}


def overcome_reasons(store: Store, settings: Settings) -> dict[str, list[str]]:
    """Metric -> beginnings of reasons for an empty value that hold no longer.

    A score without a model is wanted as soon as a model is set; one whose model could not be loaded, once it can. So
    every run is tried once for each change, however often one looks.
    """
    found: dict[str, list[str]] = {}
    for judge in JUDGES.values():
        name = _model_of(judge, settings)
        if not name:
            continue
        found[judge.metric] = [judge.not_set]
        if store.metrics.has_reason(judge.metric, judge.not_loaded) and not judge.why_not(name):
            found[judge.metric].append(judge.not_loaded)
    return found


def _model_of(judge: Judge, settings: Settings) -> str:
    return str(getattr(settings, judge.field))


def lacks_model(metric: str, settings: Settings) -> str:
    """Why a metric is empty here: no model is set for it, in a sentence; empty for all others."""
    judge = JUDGES.get(metric)
    return judge.no_model if judge and not _model_of(judge, settings) else ""


def pending_runs(
    store: Store, settings: Settings, *, limit: int, sweep_id: SweepId | None = None, names: Sequence[str] | None = None
) -> list[RunId]:
    """Runs that lack a metric, have one of an older version, or could not be measured and now can; new ones first."""
    return store.metrics.unmeasured_runs(
        current_versions(names), limit=limit, sweep_id=sweep_id, overcome=overcome_reasons(store, settings)
    )


def measure_pending(
    store: Store,
    settings: Settings,
    *,
    limit: int,
    sweep_id: SweepId | None = None,
    names: Sequence[str] | None = None,
) -> Iterator[RunId]:
    """Measure what is pending; yields each run's id when what was measured is in the store."""
    for run_id in pending_runs(store, settings, limit=limit, sweep_id=sweep_id, names=names):
        if measure_if_there(store, settings, run_id, names=names):
            yield run_id


def measure_if_there(store: Store, settings: Settings, run_id: RunId, *, names: Sequence[str] | None = None) -> bool:
    """Measure of one run what is pending; False where it was deleted meanwhile."""
    try:
        run = store.runs.get(run_id)
    except UserInputError:
        return False
    measure_missing(store, settings, run, names=names)
    return True


def measure_missing(store: Store, settings: Settings, run: RunRecord, *, names: Sequence[str] | None = None) -> None:
    """Measure of one run only what is pending; the rest stays as it is."""
    measured, overcome = store.metrics.of([run.id]).get(run.id, {}), overcome_reasons(store, settings)

    def stands(name: str, version: int) -> bool:
        found = measured.get(name)
        if found is None or found.version != version:
            return False
        return found.value is not None or not found.reason.startswith(tuple(overcome.get(name, ())))

    missing = [name for name, version in current_versions(names).items() if not stands(name, version)]
    if missing:
        measure_run(store, settings, run, names=missing)


def measure_run(store: Store, settings: Settings, run: RunRecord, *, names: Sequence[str] | None = None) -> None:
    """Measure one run and keep what was found; what cannot be measured has its reason."""
    first_time = run.id not in store.metrics.of([run.id])
    mates = seed_mates(store, run) if first_time or names is None or SEED_METRIC in names else []
    wanted = needed_inputs(names)
    placed = _placed(store, run) if {"photo", "alpha"} & wanted else None
    subject = placed.subject if placed else None
    inputs = MetricInput(
        record=run,
        photo=subject.image if subject else None,
        alpha=effective_alpha(subject.alpha, run.params.pasting) if subject else None,
        picture=_picture(store, run.image) if "picture" in wanted else None,
        raw_image=_picture(store, run.raw) if "raw_image" in wanted else None,
        seed_mates=[reduced for mate in mates[:_MATES] if (reduced := _reduced(store, mate.image)) is not None],
    )
    faults = BackgroundFaults(settings.home)
    try:
        values = compute_metrics(
            inputs, names=names, clip_model=settings.clip_model, preference_model=settings.preference_model
        )
    except Exception as error:  # kept as not measurable, so that it is not tried for ever
        logger.exception("run %s cannot be measured", run.id)
        fits = not isinstance(error, ValueError)
        reason = "A fault of the program, which its log tells." if fits else "Its pictures do not fit together."
        values = [
            MetricValue(name=name, value=None, reason=reason, version=version)
            for name, version in current_versions(names).items()
        ]
        faults.note(WORK, f"Run {run.short_id} cannot be measured ({type(error).__name__}): see worker.log.")
    else:
        faults.clear(WORK)
    store.metrics.save(run.id, values)
    if first_time and (counting := _counting_it(run, mates)):
        store.metrics.forget(counting, [SEED_METRIC])  # they have one more mate now


def seed_mates(store: Store, run: RunRecord) -> list[RunRecord]:
    """The runs that are equal to this one in everything but the seed, by rising seed; the first eight are measured."""
    key = seed_key(run)
    return [other for other in store.runs.similar(run) if other.id != run.id and seed_key(other) == key]


def _counting_it(run: RunRecord, mates: Sequence[RunRecord]) -> list[RunId]:
    """Those of a run's seed-mates that have it among their own first ones."""
    before = sum((mate.params.seed, mate.id) < (run.params.seed, run.id) for mate in mates)
    if before < _MATES:
        return [mate.id for mate in mates]
    return [mate.id for mate in mates[:before]] if before == _MATES else []


@dataclass(frozen=True, kw_only=True)
class RankedCell:
    """A cell of a sweep, and what a metric says of it."""

    index: int
    run_id: RunId
    value: float


def check_rankable(metric: str, settings: Settings) -> None:
    """Refuse a metric that is not known, of which no value is better than another, or that cannot be measured here.

    Raises
    ------
    UserInputError
        Names what is allowed.
    """
    if find_metric(metric).direction == "none":
        allowed = ", ".join(each.name for each in JUDGING)
        raise UserInputError(f"metric {quoted(metric)} has no better or worse: choose {allowed}.")
    judge = JUDGES.get(metric)
    if judge and (reason := judge.why_not(_model_of(judge, settings))):
        raise UserInputError(f"{metric} would have no value for any cell: {reason}")


def ranked_cells(store: Store, sweep_id: SweepId, metric: str) -> list[RankedCell]:
    """The finished cells of a sweep whose value is known, the best first; equal ones in the plan's order."""
    cells = [cell for cell in store.sweeps.cells(sweep_id) if cell.done]
    measured = store.metrics.of([cell.run_id for cell in cells])
    version = find_metric(metric).version
    ranked: list[RankedCell] = []
    for cell in cells:
        found = measured.get(cell.run_id, {}).get(metric)
        if found is not None and found.value is not None and found.version == version:
            ranked.append(RankedCell(index=cell.index, run_id=cell.run_id, value=found.value))
    return sorted(ranked, key=lambda cell: cell.value, reverse=find_metric(metric).direction == "higher")


def best_cells(store: Store, settings: Settings, sweep_id: SweepId, metric: str, keep: int) -> list[RankedCell]:
    """Measure a sweep's runs where that is still to be done, and choose the best.

    Raises
    ------
    UserInputError
        The metric has no value for any of them: says why.
    """
    for _ in measure_pending(store, settings, limit=1_000_000, sweep_id=sweep_id, names=[metric]):
        pass
    ranked = ranked_cells(store, sweep_id, metric)
    if not ranked:
        runs = [cell.run_id for cell in store.sweeps.cells(sweep_id) if cell.done]
        reasons = [found[metric].reason for found in store.metrics.of(runs).values() if metric in found]
        raise UserInputError(f"{metric} has no value for any cell: {reasons[0] if reasons else 'no cell is finished'}")
    return ranked[:keep]


@lru_cache(maxsize=2)
def _cached_subject(store: Store, subject_id: SubjectId) -> Subject:
    return store.subjects.load(subject_id)


@lru_cache(maxsize=2)
def _cached_placed(store: Store, subject_id: SubjectId, composition: Composition) -> PlacedSubject:
    return composition.place(_cached_subject(store, subject_id))


def _placed(store: Store, run: RunRecord) -> PlacedSubject | None:
    """A run's subject as it stands on its picture."""
    try:
        with _LOADING:
            return _cached_placed(store, run.subject_id, run.params.composition)
    except (
        UserInputError,
        LostPictureError,
    ):  # deleted since: its runs stay, and say that they cannot be measured any more
        return None


def _picture(store: Store, blob: BlobHash) -> np.ndarray | None:
    try:
        return decode_photo(store.blobs.get(blob), name=blob, limits=STORED_LIMITS).before(_WHITE)
    except (UserInputError, LostPictureError):
        logger.warning("the picture %s cannot be read", blob, exc_info=True)
        return None


def _reduced(store: Store, blob: BlobHash) -> np.ndarray | None:
    try:
        small = thumbnail(store.blobs, blob, _MATE_SIDE)
        return reduced_for_seed_mates(decode_photo(small, name=blob, limits=STORED_LIMITS).image)
    except (UserInputError, LostPictureError):
        logger.warning("the picture %s cannot be read", blob, exc_info=True)
        return None
