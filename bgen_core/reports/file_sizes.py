"""How large exports become, before they are made: from a few of the real pictures, not from a guess."""

from collections.abc import Callable, Sequence
from statistics import fmean

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.records.run import RunRecord
from bgen_core.reports.contact_sheet import ContactSheet
from bgen_core.reports.png_bands import png_of_bands
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo, encode_webp, resize
from bgen_core.subject.previews import as_shown

_LOOKED_AT = 6
_ROW_BYTES = 2_500  # of a report, for each run beside its picture
_PAGE_BYTES = 20_000


def report_bytes(blobs: BlobStore, runs: Sequence[RunRecord], side: int) -> int:
    """About how large the HTML report of these runs is with pictures of this longest side."""
    pictures = _mean(runs, lambda run: len(thumbnail(blobs, run.image, side)))
    return round(_PAGE_BYTES + len(runs) * (pictures * 4 / 3 + _ROW_BYTES))  # base64: four letters for three bytes


def sheet_bytes(blobs: BlobStore, sheet: ContactSheet) -> int:
    """About how large a contact sheet is in its form."""
    runs = [cell.run for cell in sheet.cells.values() if cell.run]
    longest = sheet.layout.cell.longest_side

    def drawn(run: RunRecord) -> int:
        image = as_shown(decode_photo(blobs.get(run.image), name=run.image, limits=STORED_LIMITS))
        extent = Extent.of(image)
        image = resize(image, extent.scaled_to_longest_side(min(longest, extent.longest_side)))
        if sheet.form == "webp":
            return len(encode_webp(image))
        return sum(len(piece) for piece in png_of_bands(Extent.of(image), [image]))

    return round(_PAGE_BYTES + len(runs) * _mean(runs, drawn))


def zip_bytes(blobs: BlobStore, runs: Sequence[RunRecord]) -> int:
    """About how large a ZIP of these runs is: their pictures at full size, finished and raw."""
    both = _mean(runs, lambda run: len(blobs.get(run.image)) + len(blobs.get(run.raw)))
    return round(_PAGE_BYTES + len(runs) * (both + _ROW_BYTES))


def in_megabytes(size: int) -> str:
    """ "0.4 MB", "12 MB"."""
    megabytes = size / 1e6
    return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{max(megabytes, 0.1):.1f} MB"


def _mean(runs: Sequence[RunRecord], size_of: Callable[[RunRecord], int]) -> float:
    """Over a few runs from the first to the last; 0 where no picture can be read."""
    step = max(1, len(runs) // _LOOKED_AT)
    found: list[int] = []
    for run in runs[::step][:_LOOKED_AT]:
        try:
            found.append(size_of(run))
        except (LostPictureError, UserInputError):
            continue
    return fmean(found) if found else 0.0
