"""Subjects as a ZIP, to keep elsewhere or to bring to another server: photo, alpha and how the mask was made."""

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bgen_core.archive.manifest import NOT_INCLUDED
from bgen_core.archive.zip_outlet import ZipOutlet
from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import SubjectId
from bgen_core.limits import LONGEST_NAME, check_text
from bgen_core.records.subject import SubjectEntry
from bgen_core.runs.recipe import PNG_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.wording import quoted

MOST_SUBJECTS = 200

PHOTO, ALPHA, EDIT = "photo.png", "alpha.png", "subject.json"
FORMAT = 1
# Of all photos of one ZIP together: so many of the largest, or what the bytes of photographs can be worth.
_PHOTOS_WORTH = 5
_PIXELS_PER_BYTE = 2


def export_subjects(store: Store, ids: Sequence[SubjectId], *, limits: DecodeLimits = PNG_LIMITS) -> Iterator[bytes]:
    """Pieces of a ZIP with a folder for each subject, one photo in memory at a time.

    A subject whose photo or mask is missing from the store or damaged, or whose name no other store holds, is left out
    and listed with the reason in `not-included.txt`; so are photos that an import with the same limits would refuse.

    Parameters
    ----------
    ids
        At most `MOST_SUBJECTS`, which is what can be imported again.
    limits
        Of each photo, as for an import.

    Raises
    ------
    UserInputError
        There is none, or too many, or no subject has one of these ids; raised by the call, not by the first piece.
    LostPictureError
        All of them are left out; raised where the first piece would be.
    """
    if not 0 < len(ids) <= MOST_SUBJECTS:
        raise UserInputError(f"A ZIP of {len(ids)} subjects is not possible: allowed are 1 to {MOST_SUBJECTS}.")
    return _pieces(store, [store.subjects.get(each) for each in ids], limits.as_png)


def _pieces(store: Store, entries: Sequence[SubjectEntry], limits: DecodeLimits) -> Iterator[bytes]:
    outlet, left_out = ZipOutlet(), list[str]()
    too_many = _beyond_the_budget(store, entries, limits)
    # Stored, since PNGs do not shrink any more
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for number, entry in enumerate(entries, start=1):
            try:
                check_text("The name", entry.name, LONGEST_NAME)
                limits.check_extent(entry.extent, "Its photo")
                if entry.id in too_many:
                    raise UserInputError(
                        "With it the photos hold more pixels than an import takes: export it by itself."
                    )
                photo, alpha = store.blobs.get(entry.photo), store.blobs.get(entry.alpha)
                limits.check_bytes(max(len(photo), len(alpha)), "Its photo")
            except (LostPictureError, UserInputError) as error:
                left_out.append(f"Subject {quoted(entry.name, 60)} ({entry.id[:12]}): {error.public}")
                if len(left_out) == len(entries):
                    nothing = f"No subject can be exported. {left_out[0]}"
                    raise LostPictureError(nothing, public=nothing) from error
                continue
            plain = re.sub(r"[^\w-]+", "-", entry.name, flags=re.ASCII).strip("-")[:40] or "subject"
            folder = f"{number:03d}-{plain}"
            edit = store.subjects.load_edit(entry.id)
            said = {"format": FORMAT, "name": entry.name, "created": entry.created.isoformat(), "edit": edit}
            archive.writestr(f"{folder}/{PHOTO}", photo)
            yield outlet.take()
            archive.writestr(f"{folder}/{ALPHA}", alpha)
            archive.writestr(f"{folder}/{EDIT}", json.dumps(said, ensure_ascii=False, indent=1))
            yield outlet.take()
        if left_out:
            archive.writestr(NOT_INCLUDED, "\n".join(left_out) + "\n")
    yield outlet.take()


def _beyond_the_budget(store: Store, entries: Sequence[SubjectEntry], limits: DecodeLimits) -> set[SubjectId]:
    """Those without which the rest is what an import takes: first those of the most pixels for their bytes."""
    sizes: dict[SubjectId, tuple[int, int]] = {}
    for entry in entries:
        with suppress(LostPictureError, UserInputError):  # which is said where it would be written
            limits.check_extent(entry.extent, "")
            sizes[entry.id] = entry.extent.area, store.blobs.size(entry.photo) + store.blobs.size(entry.alpha)
    thin_first = sorted(sizes, key=lambda each: sizes[each][0] - _PIXELS_PER_BYTE * sizes[each][1], reverse=True)
    beyond: set[SubjectId] = set()
    for each in thin_first:
        pixels, packed = (sum(column) for column in zip(*sizes.values(), strict=True))
        if pixels <= most_pixels(limits, packed):
            break
        beyond.add(each)
        del sizes[each]
    return beyond


def most_pixels(limits: DecodeLimits, packed: int) -> int:
    """Of all photos of a ZIP of so many bytes together."""
    return max(_PHOTOS_WORTH * limits.max_pixels, _PIXELS_PER_BYTE * packed)
