"""Where a picture or a run is found by URL: the paths that the app's own routes and pages answer.

They are relative to the folder in which all pages lie, which need not be the root of a host.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from bgen_core.ids import BlobHash, SweepId
from bgen_core.records.run import RunRecord
from bgen_core.store.thumbnails import THUMBNAIL_SIDES

PICTURES = "i/"
SHEETS = "download/sheet/"
ZIPS = "download/zip/"
RUNS = "download/runs."


def thumbnail_url(blob: BlobHash, side: int = 256) -> str:
    """A WebP whose longest side is at most `side`, one of `THUMBNAIL_SIDES`."""
    if side not in THUMBNAIL_SIDES:
        raise ValueError(f"side {side} is not one of {THUMBNAIL_SIDES}")
    return f"{PICTURES}{blob}.webp?{urlencode({'side': side})}"


def thumbnail_of_side(url: str, side: int) -> str:
    """The address of the same picture as this thumbnail's, with another longest side."""
    blob = BlobHash(url.removeprefix(PICTURES).partition(".")[0])
    return thumbnail_url(blob, side)


def picture_url(blob: BlobHash, *, download: str = "") -> str:
    """The whole PNG; with `download`, a link that saves it under that file name."""
    return f"{PICTURES}{blob}.png" + (f"?{urlencode({'download': download})}" if download else "")


def sheet_url(
    sweep_id: SweepId, *, across: str | None, down: str | None, side: int | None = None, suffix: str = "png"
) -> str:
    """A sweep's contact sheet as a download, with these axes for columns and rows and cells of this longest side."""
    asked = {name: str(value) for name, value in (("x", across), ("y", down), ("side", side)) if value}
    return f"{SHEETS}{quote(sweep_id, safe='')}.{suffix}" + (f"?{urlencode(asked)}" if asked else "")


def zip_url(sweep_id: SweepId) -> str:
    """A sweep's pictures at full size, with their table, as a download."""
    return f"{ZIPS}{quote(sweep_id, safe='')}.zip"


def runs_url(suffix: str, query: Mapping[str, str | Sequence[str]]) -> str:
    """Runs as a download in one of the forms that the route knows; `query` says which, as on the compare page."""
    return f"{RUNS}{suffix}" + (f"?{urlencode(query, doseq=True)}" if query else "")


def run_url(run_id: str) -> str:
    """The permalink of one run, by its id or the beginning of it."""
    return f"run?{urlencode({'id': run_id})}"


def sweep_url(sweep_id: SweepId) -> str:
    """The page of one sweep."""
    return f"sweep?{urlencode({'id': sweep_id})}"


def download_name(record: RunRecord) -> str:
    """A file name that says what the picture is, in letters that every file system takes."""
    subject = re.sub(r"[^\w-]+", "-", record.subject_name, flags=re.ASCII).strip("-")[:40] or "subject"
    return "_".join([subject, *(text.replace(" ", "-") for text in record.params.in_short), record.short_id]) + ".png"
