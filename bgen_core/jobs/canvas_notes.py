"""What is said before a run of bodies that a photo's edge cuts, where that edge will stand inside a larger canvas."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

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
from bgen_core.wording import quoted

_MOST = 3  # sentences: a sweep may have hundreds of photos


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


def subject_cut_note(subject: Subject, composition: Composition) -> str:
    """The same of a subject that is at hand."""
    return cut_note(
        subject.name, composition, composition.sides_inside(subject.extent), sides_cut(subject.alpha)
    )  # fmt: skip


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
