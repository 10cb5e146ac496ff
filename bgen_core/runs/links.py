"""Where a picture or a run is found by URL: the paths that the app's own routes and pages answer."""

import re
from urllib.parse import urlencode

from bgen_core.runs.record import RunRecord

PICTURES = "/i/"
THUMBNAIL_SIDES = (96, 256, 512, 1024)


def thumbnail_url(blob: str, side: int = 256) -> str:
    """A WebP whose longest side is at most `side`, one of `THUMBNAIL_SIDES`."""
    if side not in THUMBNAIL_SIDES:
        raise ValueError(f"side {side} is not one of {THUMBNAIL_SIDES}")
    return f"{PICTURES}{blob}.webp?{urlencode({'side': side})}"


def picture_url(blob: str, *, download: str = "") -> str:
    """The whole PNG; with `download`, a link that saves it under that file name."""
    return f"{PICTURES}{blob}.png" + (f"?{urlencode({'download': download})}" if download else "")


def run_url(run_id: str) -> str:
    """The permalink of one run."""
    return f"/run?{urlencode({'id': run_id})}"


def download_name(record: RunRecord) -> str:
    """A file name that says what the picture is, in letters that every file system takes."""
    params = record.params
    subject = re.sub(r"[^\w-]+", "-", record.subject_name, flags=re.ASCII).strip("-")[:40] or "subject"
    return (
        f"{subject}_{params.num_inference_steps}-steps_guidance-{params.guidance_scale:g}"
        f"_seed-{params.seed}_{record.short_id}.png"
    )
