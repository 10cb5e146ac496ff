"""Mending what `check.py` finds: pictures are made again, runs found again by what their pictures say of them.

Nothing of possible use is thrown away: damaged bytes are moved aside, and runs go only when somebody says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId
from bgen_core.models.catalogue import describe_model
from bgen_core.records.png_text import metadata_chunks, png_texts, read_record, says_raw
from bgen_core.records.run import MadeRun, PaintedRun, RunRecord
from bgen_core.records.run_png import encode_run_png
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.pictures import PictureUse
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.pasting.cut_out import finish
from bgen_core.sweep.plan import pixel_versions
from bgen_core.sweep.steering.applied_reference import LIGHT_MODEL


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was done about one finding.

    Attributes
    ----------
    done
        Whether the finding is gone.
    text
        What was done, or what a person can do; one sentence.
    """

    finding: Finding
    done: bool
    text: str


def repair_store(store: Store, findings: Sequence[Finding], *, drop_lost: bool = False) -> Iterator[Repair]:
    """Mend findings of `check_store`, one after another.

    - A finished picture is made again from the raw picture and the subject. Where that cannot be, it stays a finding;
      with `drop_lost` its run is removed, with what people wrote beside it, so that the next sweep makes it again.
    - Of a raw picture, a photo or a mask that is lost nothing can be made: it stays a finding.
    - Damaged files are moved to `damaged/` beside the pictures.
    - From pictures that no row names the runs are put back that they describe; what is then still unused stays, until
      `collect_garbage` is called for.
    - Small versions without a picture, and half-written files, are removed.
    """
    adopted: set[BlobHash] | None = None
    for finding in findings:
        if finding.kind == "missing":
            yield _mended(store, finding, drop_lost=drop_lost)
        elif finding.kind == "damaged":
            store.blobs.move_aside(finding.picture)
            yield _mended(store, finding, "Its bytes are kept in damaged/.", drop_lost=drop_lost)
        elif finding.kind == "unused":
            if adopted is None:
                adopted = _adopt(store, [each.picture for each in findings if each.kind == "unused"])
            if finding.picture in adopted:
                yield Repair(finding=finding, done=True, text="Its run was put back.")
            else:
                yield Repair(finding=finding, done=False, text="No run can be read from it: `store gc` removes it.")
        else:
            store.blobs.remove_path(finding.path)
            yield Repair(finding=finding, done=True, text="It was removed.")


def _mended(store: Store, finding: Finding, *told: str, drop_lost: bool) -> Repair:
    mended = [_mend(store, use, drop_lost=drop_lost) for use in finding.uses]
    return Repair(
        finding=finding, done=all(done for done, _ in mended), text=" ".join([*told, *(text for _, text in mended)])
    )  # fmt: skip


def _mend(store: Store, use: PictureUse, *, drop_lost: bool) -> tuple[bool, str]:
    """Whether it could be mended, and what was done or can be done."""
    if use.role == "image":
        return _make_again(store, RunId(use.owner_id), drop_lost=drop_lost)
    if use.role == "raw":
        return False, (
            f"The run {use.owner_id[:12]} keeps its finished picture: restore the raw one from a backup, "
            "or delete the run and make it again."
        )
    if use.role in ("reference", "background", "planned"):
        return False, "Restore it from a backup, or give its file again: pictures that are made already stay."
    return False, f"Restore the picture from a backup, or delete the subject {use.owner_id[:12]} and save it again."


def _make_again(store: Store, run_id: RunId, *, drop_lost: bool) -> tuple[bool, str]:
    try:
        run = store.runs.get(run_id)
    except UserInputError:
        return True, "Its run was deleted meanwhile."
    png = _pasted_again(store, run)
    if png is not None:
        store.runs.set_image(run.id, png)
        return True, "It was made again from the raw picture and the subject."
    if drop_lost:
        store.deletion.delete([run.id])
        return True, f"The run {run.short_id} was removed: the next sweep with it makes it again."
    return False, (
        f"It cannot be made again without the model: restore it from a backup, or let --drop-lost remove "
        f"the run {run.short_id}, so that the next sweep with it makes it again."
    )


def _pasted_again(store: Store, run: RunRecord) -> bytes | None:
    """The finished picture's PNG; None where a part is gone, or other versions would make other pixels."""
    now = pixel_versions()
    if {name: run.versions.get(name) for name in now} != now:
        return None
    image = _pasted(store, run, run.raw)
    return None if image is None else encode_run_png(image, metadata_chunks(run))


def _pasted(store: Store, run: MadeRun, raw: BlobHash) -> np.ndarray | None:
    if LIGHT_MODEL in run.versions:
        return None
    try:
        placed = run.params.composition.place(store.subjects.load(run.subject_id))
        background = decode_photo(store.blobs.get(raw), name=raw, limits=STORED_LIMITS).image
    except (UserInputError, LostPictureError):
        return None
    return finish(
        placed.subject.image,
        placed.subject.alpha,
        background,
        is_transparent=describe_model(run.model).family.backdrop == "nothing",
        options=placed.pasting(run.params.pasting),
    )


def _adopt(store: Store, pictures: Sequence[BlobHash]) -> set[BlobHash]:
    """Put back the runs that these pictures describe; returns the pictures that a row names now."""
    described = [found for name in pictures if (found := _described(store, name)) is not None]
    known = store.runs.known({each.run.id for each in described})
    for each in described:
        run = each.run
        if each.is_raw or run.id in known or each.extent != run.extent:
            continue
        raws = [other for other in described if other.run.raw_id == run.raw_id and other.extent == run.model_extent]
        sure = {*store.runs.known_raws([run.raw_id]).values(), *(other.name for other in raws if other.is_raw)}
        candidates = [*sure, *(other.name for other in raws if not other.is_raw)]
        raw = next(
            (name for name in candidates if name != each.name and _belongs(store, each, name, name in sure)), None
        )
        if raw is not None:
            store.runs.add(run.committed(image=each.name, raw=raw), {})
            known.add(run.id)
    used = store.pictures.uses()
    return {name for name in pictures if name in used}


@dataclass(frozen=True, kw_only=True)
class _Described:
    """A picture with the run that it describes; `is_raw` where it says that it is the raw one."""

    name: BlobHash
    run: PaintedRun
    extent: Extent
    is_raw: bool


def _described(store: Store, name: BlobHash) -> _Described | None:
    try:
        png = store.blobs.get(name)
        texts = png_texts(png)
        record = read_record(texts)
        if record is None:
            return None
        with Image.open(BytesIO(png)) as picture:
            extent = Extent(width=picture.width, height=picture.height)
        return _Described(name=name, run=record, extent=extent, is_raw=says_raw(texts))
    except (LostPictureError, UserInputError, OSError):
        return None


def _belongs(store: Store, image: _Described, raw: BlobHash, is_surely_raw: bool) -> bool:
    """Whether one is the finished and the other the raw picture; their sizes tell, unless they are equal."""
    run = image.run
    if run.extent != run.model_extent:
        return True
    try:
        finished, behind = (
            decode_photo(store.blobs.get(name), name=name, limits=STORED_LIMITS).pixels for name in (image.name, raw)
        )
    except (UserInputError, LostPictureError):
        return False
    if is_surely_raw and not np.array_equal(finished, behind):  # equal: a second copy of the raw one, or no subject
        return True
    pasted = _pasted(store, run, raw)
    return pasted is not None and np.array_equal(pasted, finished)
