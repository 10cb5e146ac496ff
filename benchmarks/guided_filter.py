"""Our guided filter beside OpenCV's (`cv2.ximgproc.guidedFilter`): how exact, how fast, and which masks come out.

    python -m benchmarks.guided_filter --photos DIR

Prints the largest difference of one pass at 512 px from a float64 reference, the median time of a pass, and with photos
(as `bench --what cutout` takes them) the means of four figures of the cut-out's masks with either. The decision that
these figures led to is docs/decisions/guided-filter.md.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from statistics import median

import numpy as np

from bgen_core.bench.cutout import find_labelled_photos, read_true_mask
from bgen_core.bench.mask_scores import score_mask
from bgen_core.extent import Extent
from bgen_core.settings import load_settings
from bgen_core.subject import matting
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_photo, read_photo
from bgen_core.subject.native import cv2
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.segmentation import default_segmenter, reduced, working_picture

Filter = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
EPSILON = 1e-4  # for a guide in [0, 1]
GUIDE_SIDE = 512
RADIUS = 0.01


def ours(guide: np.ndarray, target: np.ndarray, radius: int) -> np.ndarray:
    """One pass of the filter that `refine_edges` uses."""
    slope, offset = matting._GuidedFilter(guide, radius).coefficients(target)
    return (slope * guide).sum(axis=2) + offset


def theirs(guide: np.ndarray, target: np.ndarray, radius: int) -> np.ndarray:
    """OpenCV's, with a guide in [0, 255] and the epsilon that belongs to it."""
    return cv2.ximgproc.guidedFilter(guide * 255, target, radius, EPSILON * 255**2)


def theirs_in_unit_interval(guide: np.ndarray, target: np.ndarray, radius: int) -> np.ndarray:
    """OpenCV's, with the guide as it is."""
    return cv2.ximgproc.guidedFilter(guide, target, radius, EPSILON)


def reference(guide: np.ndarray, target: np.ndarray, radius: int) -> np.ndarray:
    """He, Sun, Tang (2010), equations 14 to 16, in float64 and by a linear solver."""

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    colours, sought = guide.astype(np.float64), target.astype(np.float64)
    mean_colours, mean_sought = mean(colours), mean(sought)
    covariance = mean(colours * sought[..., None]) - mean_colours * mean_sought[..., None]
    products = (colours[..., :, None] * colours[..., None, :]).reshape(*sought.shape, 9)
    averaged = np.dstack([mean(np.ascontiguousarray(products[..., place])) for place in range(9)])
    matrix = averaged.reshape(*sought.shape, 3, 3) - mean_colours[..., :, None] * mean_colours[..., None, :]
    slope = np.linalg.solve(matrix + EPSILON * np.eye(3), covariance[..., None])[..., 0]
    offset = mean_sought - (slope * mean_colours).sum(axis=2)
    return (mean(slope) * colours).sum(axis=2) + mean(offset)


def refined_by_theirs(image: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """What `refine_edges` does, with OpenCV's filter: it gives no coefficients, so the photo's size is its `scale`."""
    extent = Extent.of(image)
    guide, target, radius = _prepared(image, coarse)
    if not target.any():
        return np.zeros((extent.height, extent.width), np.float32)
    found = _levelled(theirs(guide, target, radius))
    scale = min(1.0, GUIDE_SIDE / extent.longest_side)
    enlarged = cv2.resize(found, (extent.width, extent.height), interpolation=cv2.INTER_LINEAR)
    wide = max(1, round(radius / scale))
    alpha = cv2.ximgproc.guidedFilter(image.astype(np.float32), enlarged, wide, EPSILON * 255**2, scale=scale)
    return _levelled(alpha)


def measure_pass(repeats: int) -> None:
    """Print how exact and how fast one pass at 512 px is, on the first sample."""
    small = DecodeLimits(max_bytes=10_000_000, max_pixels=10_000_000, min_side=1)
    image = decode_photo(SAMPLES[0].read(), name=SAMPLES[0].file_name, limits=small).image
    guide, target, radius = _prepared(image, default_segmenter().segment(image).kept_confidence)
    true = reference(guide, target, radius)
    sides: dict[str, Filter] = {
        "ours": ours, "OpenCV, guide 0 to 255": theirs, "OpenCV, guide 0 to 1": theirs_in_unit_interval,
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            began = time.perf_counter()
            work(guide, target, radius)
            times[name].append(1000 * (time.perf_counter() - began))
    for name, work in sides.items():
        difference = np.abs(work(guide, target, radius) - true).max()
        print(f"{name}: largest difference {difference:.4f}, {median(times[name]):.0f} ms")


def measure_masks(folder: Path) -> None:
    """Print the mean scores of the masks that either filter gives."""
    limits = DecodeLimits.from_settings(load_settings())
    sides = {"ours": matting.refine_edges, "OpenCV": refined_by_theirs}
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in sides}
    for labelled in find_labelled_photos(folder):
        if labelled.mask is None:
            continue
        image = read_photo(labelled.photo, limits=limits).image
        truth = read_true_mask(labelled.mask, Extent.of(image))
        coarse = default_segmenter().segment(image).kept_confidence
        for name, work in sides.items():
            scores[name].append(astuple(score_mask(work(image, coarse), truth)))
    for name, values in scores.items():
        iou, boundary, error, edge = np.mean(values, axis=0)
        print(
            f"{name}: {len(values)} photos, IoU {iou:.4f}, boundary F {boundary:.4f}, MAE {error:.4f}, edge {edge:.4f}"
        )


def _prepared(image: np.ndarray, coarse: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    guide = working_picture(image, GUIDE_SIDE).astype(np.float32) / 255
    return guide, reduced(coarse, Extent.of(guide)), max(1, int(RADIUS * Extent.of(guide).longest_side))


def _levelled(alpha: np.ndarray) -> np.ndarray:
    return np.clip((alpha - 0.15) / 0.7, 0, 1)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder with images/ and masks/, or pairs name.jpg and name.png")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    measure_pass(given.repeats)
    if given.photos is not None:
        measure_masks(given.photos)


if __name__ == "__main__":
    main()
