"""What is said before a run of bodies that a photo's edge cuts: inside a larger canvas, and of their shadow."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import islice

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_alpha
from bgen_core.subject.placing import Composition
from bgen_core.subject.regions import Side, sides_cut
from bgen_core.subject.remarks import where
from bgen_core.subject.subject import Subject
from bgen_core.sweep.params import InpaintParams
from bgen_core.wording import quoted

_MOST = 3  # sentences: a sweep may have hundreds of photos
_LOOKED_AT = 12  # subjects whose masks are read where nothing but a shadow asks for it


def cut_notes(
    store: Store, placed: Iterable[tuple[SubjectId, Composition]], photos: Mapping[SubjectId, Extent]
) -> list[str]:
    """A sentence for each subject and canvas, of those that are in the store; the first three, then how many more."""
    notes = list(dict.fromkeys(_notes(store, placed, photos)))
    more = len(notes) - _MOST
    return notes if more <= 0 else [*notes[:_MOST], f"{more} more canvases show where a photo ends in a body."]


def _notes(
    store: Store, placed: Iterable[tuple[SubjectId, Composition]], photos: Mapping[SubjectId, Extent]
) -> Iterator[str]:
    for subject_id, composition in placed:
        inside = composition.sides_inside(photos[subject_id])
        if not inside:
            continue
        try:
            entry = store.subjects.get(subject_id)
            cut = _sides_cut(store.blobs, entry.alpha, entry.extent)
        except (UserInputError, LostPictureError):  # not in the store, or no longer: submitting says so
            continue
        if note := cut_note(entry.name, composition, inside, cut):
            yield note


def ground_notes(store: Store, subject_ids: Iterable[SubjectId]) -> list[str]:
    """A sentence for each subject, of the first ones, that throws no ground shadow."""
    notes: list[str] = []
    for subject_id in islice(subject_ids, _LOOKED_AT):
        with suppress(UserInputError, LostPictureError):  # see `_notes`
            entry = store.subjects.get(subject_id)
            notes.append(_ground_note(entry.name, _sides_cut(store.blobs, entry.alpha, entry.extent)))
    return list(filter(None, notes))[:_MOST]


def subject_notes(subject: Subject, params: InpaintParams) -> list[str]:
    """What both say of a subject that is at hand."""
    cut = sides_cut(subject.alpha)
    inside = params.composition.sides_inside(subject.extent)
    ground = _ground_note(subject.name, cut) if params.ground_shadow else ""
    return list(filter(None, [cut_note(subject.name, params.composition, inside, cut), ground]))


def _ground_note(name: str, cut: tuple[Side, ...]) -> str:
    """Why there is no ground shadow; empty where there is one."""
    if "bottom" not in cut:
        return ""
    return (
        f"The photo of {quoted(name, 40)} cuts the body off at the bottom: there is no ground shadow, since what it "
        "stands on is out of sight."
    )


def cut_note(name: str, composition: Composition, inside: tuple[Side, ...], cut: tuple[Side, ...]) -> str:
    """Where the canvas shows that the photo cuts its subject off; empty where it does not."""
    shown: tuple[Side, ...] = tuple(side for side in inside if cut.count(side))
    if not shown:
        return ""
    return (
        f"The photo of {quoted(name, 40)} cuts the body off {where(shown)}, and the canvas {composition.canvas} shows "
        f"that cut: choose an anchor that lays this side at the canvas' edge, such as {shown[0]}, or another canvas."
    )


@lru_cache(maxsize=256)
def _sides_cut(blobs: BlobStore, alpha: BlobHash, extent: Extent) -> tuple[Side, ...]:
    return sides_cut(decode_alpha(blobs.get(alpha), name=alpha, extent=extent))
