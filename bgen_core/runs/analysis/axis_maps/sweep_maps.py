"""The maps of a sweep in the store: from the small pictures that are kept beside its runs."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId, SubjectId
from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.axis_maps.maps import AxisMaps, axis_maps
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.placing import AS_PHOTO, Composition
from bgen_core.subject.segmentation import reduced
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted

logger = logging.getLogger(__name__)

MOST_PICTURES = 2048  # of one subject: about 100 MB, and seconds of computing
_KEPT_SIDE = 256  # of the thumbnails, which measuring has made
_SIDE = 128  # of the maps: half of it, so that what WebP adds averages out
_SUBJECT = "subject"
_PLACES = (
    "Canvas, anchor or subject scale differ among these pictures: maps need the subject at one place in all of them."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SubjectMaps:
    """The maps of one subject's pictures.

    Attributes
    ----------
    name
        The subject's.
    maps
        What its pictures say.
    beneath
        Address of the picture on which the maps are laid: the first of the grid. None where none is there.
    is_whole
        Whether the time was enough to read all pictures that are there.
    """

    name: str
    maps: AxisMaps
    beneath: BlobHash | None
    is_whole: bool = True


def sweep_maps(
    store: Store, plan: SweepPlan, run_ids: Mapping[int, RunId], *, seconds: float = math.inf
) -> list[SubjectMaps]:  # fmt: skip
    """Where each axis of a sweep acts, for each of its subjects.

    Parameters
    ----------
    run_ids
        Index of the cell -> its run, for those that are made. Deleted ones, and those whose picture cannot be read,
        count as missing.
    seconds
        How long pictures may be read: small versions that were never made take long, and are kept for the next time.
    """
    deadline = time.monotonic() + seconds
    runs = {run.id: run for run in store.runs.get_all(sorted(store.runs.visible(list(set(run_ids.values())))))}
    varied = [place for place, axis in enumerate(plan.axes) if len(axis.values) > 1 and axis.name != _SUBJECT]
    axes = [AxisColumn(name=plan.axes[place].name, label=plan.axes[place].label) for place in varied]
    shape = [len(plan.axes[place].values) for place in varied]
    grids: dict[SubjectId, dict[tuple[int, ...], RunRecord]] = {each: {} for each in plan.subject_ids}
    for cell in plan.cells():
        run = runs.get(run_ids[cell.index]) if cell.index in run_ids else None
        if run is not None:
            grids[cell.subject_id][tuple(cell.position[place] for place in varied)] = run
    return [_of_subject(store, subject_id, grid, axes, shape, deadline) for subject_id, grid in grids.items()]


def _of_subject(
    store: Store,
    subject_id: SubjectId,
    grid: Mapping[tuple[int, ...], RunRecord],
    axes: Sequence[AxisColumn],
    shape: Sequence[int],
    deadline: float,
) -> SubjectMaps:
    name = next((run.subject_name for run in grid.values()), "")
    beneath = next((run.image for run in grid.values()), None)
    if len(grid) > MOST_PICTURES:
        sentence = f"{counted(len(grid), 'picture')} are too many for maps: at most {MOST_PICTURES:,} are read."
        return SubjectMaps(name=name, maps=AxisMaps.nothing(sentence), beneath=beneath)
    compositions = {run.params.composition for run in grid.values()}
    if len(compositions) > 1:
        return SubjectMaps(name=name, maps=AxisMaps.nothing(_PLACES), beneath=beneath)
    composition = next(iter(compositions), AS_PHOTO)
    pictures = dict(_read(store, grid, deadline))
    maps = axis_maps(pictures, axes, shape, alpha=(alpha := _alpha(store, subject_id, composition)))
    remarks: list[str] = []
    if alpha is None and pictures:
        remarks.append("The subject's mask is not in the library any more: the maps show the subject too.")
    is_whole = time.monotonic() < deadline or len(pictures) == len(grid)
    if not is_whole:
        remarks.append(f"Only {len(pictures):,} of {counted(len(grid), 'picture')} could be read in time: look again.")
    return SubjectMaps(name=name, maps=maps.with_remarks(remarks), beneath=beneath, is_whole=is_whole)


def _read(
    store: Store, grid: Mapping[tuple[int, ...], RunRecord], deadline: float
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:  # fmt: skip
    extent: Extent | None = None
    for cell, run in grid.items():
        if time.monotonic() > deadline:
            return
        try:
            small = decode_photo(thumbnail(store.blobs, run.image, _KEPT_SIDE), name=run.image, limits=STORED_LIMITS)
        except (LostPictureError, UserInputError):
            logger.warning("the picture of run %s cannot be read", run.id, exc_info=True)
            continue
        extent = extent or Extent.of(small.image).scaled_to_longest_side(_SIDE)
        yield cell, reduced(small.image, extent)


def _alpha(store: Store, subject_id: SubjectId, composition: Composition) -> np.ndarray | None:
    try:
        return composition.place(store.subjects.load(subject_id)).subject.alpha
    except (LostPictureError, UserInputError):  # deleted since: its runs stay
        return None
