"""Cut-out quality "fine": closed-form matting of the standard alpha's edge, in a process of its own.

It pays where an edge is finer than a segmentation network's pixels: hair, fur, lace. What is sure in the standard alpha
stays, and so do its mistakes: matting finds an edge, not a person.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject import closed_form
from bgen_core.subject.matting import GuidedEnlargement, enlarged_box, tiles, without_haze
from bgen_core.subject.native import cv2
from bgen_core.subject.regions import LEAST_PERSON, find_regions, keep_regions
from bgen_core.subject.segmentation import reduced, working_picture

FINE_COST = "Fine takes about 4 s for a photo, and a few seconds more the first time, when its library is compiled."
TIME_LIMIT = 240.0  # seconds, with the first time's compilation on a busy machine

_SIDE = 1024
_UNSURE = (0.02, 0.98)
_WIDER = 0.005  # of the longer side: how far beyond the unsure pixels the band reaches
_LOOK_EVERY = 0.1  # seconds: at whether it was cancelled
_SAID = "stderr"
_HAZE = 0.14  # closed-form matting leaves a haze of about this strength on both ends

# One at a time: several would only take each other's processors and memory.
_TURN = threading.Lock()


def refine_fine(
    image: np.ndarray, alpha: np.ndarray, *, time_limit: float = TIME_LIMIT, cancelled: threading.Event | None = None
) -> np.ndarray:
    """Solve an alpha's edge anew by closed-form matting.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1], at the photo's size: of quality "standard".
    time_limit
        Seconds after which it gives up.
    cancelled
        Ends the work within a moment once it is set.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1]; equal to `alpha` away from its edge.

    Raises
    ------
    UserInputError
        It took too long, failed or was cancelled: says why, and that "standard" does without.
    """
    small = working_picture(image, _SIDE)
    prior = reduced(alpha, Extent.of(small))
    band = _band(prior, Extent.of(image))
    if not band.any():
        return alpha
    solved = _solve(small, prior, band, time_limit, cancelled or threading.Event())
    return _at_photo_size(image, alpha, small, solved, band)


def _band(alpha: np.ndarray, photo: Extent) -> np.ndarray:
    """The trimap's unknown part: unsure pixels and what is near them (bool, HW), of persons large enough for it.

    A person below `LEAST_PERSON` pixels has nothing finer than the network saw: there, the edge would only follow the
    texture behind it.
    """
    low, high = _UNSURE
    radius = max(1, int(_WIDER * Extent.of(alpha).longest_side))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    band = cv2.dilate(((alpha > low) & (alpha < high)).astype(np.uint8), disc)
    regions = find_regions(alpha, photo)
    large = [region.number for region in regions.items if region.box.extent.longest_side >= LEAST_PERSON]
    return keep_regions(band, regions, large) > 0


def _solve(
    image: np.ndarray, prior: np.ndarray, band: np.ndarray, time_limit: float, cancelled: threading.Event
) -> np.ndarray:
    """Run `closed_form` on these arrays."""
    with _TURN, tempfile.TemporaryDirectory(prefix="bgen-fine-") as name:
        folder = Path(name)
        for part, array in (("image", image), ("prior", prior), ("band", band)):
            np.save(folder / f"{part}.npy", array)
        status = _run(folder, time_limit, cancelled)
        if status != 0:
            said = (folder / _SAID).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            reason = (said or [f"it ended with status {status}"])[-1]
            raise UserInputError(f"The fine cut-out failed ({reason}): choose the quality standard.")
        return np.load(folder / "alpha.npy")


def _run(folder: Path, time_limit: float, cancelled: threading.Event) -> int:
    """Exit status of the child, which does not outlive this call."""
    # -P: this folder's modules must not stand in for libraries of the same name
    command = [sys.executable, "-P", closed_form.__file__, str(folder)]
    end = time.monotonic() + time_limit
    with (
        (folder / _SAID).open("wb") as said,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=_environment()) as child,
    ):
        try:
            while time.monotonic() < end:
                if cancelled.is_set():
                    raise UserInputError("The fine cut-out was cancelled: the quality is standard.")
                try:
                    return child.wait(timeout=_LOOK_EVERY)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            child.kill()
    raise UserInputError(
        f"The fine cut-out was not ready after {time_limit:g} s: choose the quality standard, "
        "or try again when this machine has less to do."
    )


def _environment() -> dict[str, str]:
    """One thread: numba's thread layers are what aborts processes, and the server has other visitors."""
    return os.environ | {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _at_photo_size(
    image: np.ndarray, alpha: np.ndarray, small: np.ndarray, solved: np.ndarray, band: np.ndarray
) -> np.ndarray:
    """The solved band at the photo's size, along the photo's own edges; elsewhere the alpha as it was."""
    extent, work = Extent.of(image), Extent.of(small)
    result = alpha.copy()
    enlargement = GuidedEnlargement(image, small, solved) if extent != work else None
    reach = band.astype(np.float32)
    for tile, near in tiles(extent, work, reach=2):
        if band[near.slices].any():
            found = solved[tile.slices] if enlargement is None else enlargement.tile(tile)
            levelled = without_haze(found, _HAZE)
            inside = enlarged_box(reach, extent, tile) > 0
            result[tile.slices] = np.where(inside, levelled, alpha[tile.slices])
    return result
