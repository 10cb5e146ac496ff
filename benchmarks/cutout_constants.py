"""Two constants of the cut-out, chosen on some photos and measured on others.

    python -m benchmarks.cutout_constants --photos DIR

The constants are how much less a network counts that sees a crop stretched (`segmentation._DISTORTION`), and the radius
of the guided filter (`matting._RADIUS`). The photos (as `bench --what cutout` takes them, with masks) are parted into
four by a hash of their names. For each quarter the constants are chosen on the other three and measured on it, beside
those that the program has and beside a simpler method: one crop around everybody, the square network alone, one filter.
The choice is made by two rules: the mean of IoU and boundary F, and the same where no photo counts for more than 0.1.
What came out is in docs/decisions/two-passes.md.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from itertools import product
from pathlib import Path

import numpy as np

from bgen_core.bench.cutout import LabelledPhoto, find_labelled_photos, read_true_mask
from bgen_core.bench.mask_scores import score_mask
from bgen_core.extent import Extent
from bgen_core.settings import load_settings
from bgen_core.subject import matting, segmentation
from bgen_core.subject.decoding.image_io import DecodeLimits, read_photo
from bgen_core.subject.regions import keep_main_regions, region_boxes
from bgen_core.subject.segmentation import SelfieSegmenter, enlarged, reduced, working_picture

Constants = tuple[float, float]
DISTORTIONS = (0.0, 1.0, 2.0, 3.0, 4.0)
RADII = (0.005, 0.0075, 0.01, 0.015)
SETTINGS: tuple[Constants, ...] = tuple(product(DISTORTIONS, RADII))
PRESENT: Constants = (segmentation._DISTORTION, matting._RADIUS)
SIMPLE_RADIUS = 0.015
QUARTERS = 4
MOST_OF_A_PHOTO = 0.1


@contextmanager
def constants(distortion: float, radius: float) -> Iterator[None]:
    """The cut-out with other constants."""
    before = segmentation._DISTORTION, matting._RADIUS
    segmentation._DISTORTION, matting._RADIUS = distortion, radius
    try:
        yield
    finally:
        segmentation._DISTORTION, matting._RADIUS = before


def simple_cut_out(segmenter: SelfieSegmenter, image: np.ndarray) -> np.ndarray:
    """The mask of one crop around everybody, seen by the square network alone, and of one filter."""
    small = working_picture(image)
    confidence = segmenter._detect(small)
    if boxes := region_boxes(confidence):
        around = segmentation._around(boxes)
        box = around.grown(int(0.1 * around.extent.longest_side), within=Extent.of(small))
        seen = np.mean(segmentation._both_ways(segmenter._square, small[box.slices]), axis=0)
        first, confidence = confidence, np.zeros_like(confidence)
        confidence[box.slices] = enlarged(seen, box.extent)
        if np.count_nonzero(confidence > 0.5) < 0.3 * np.count_nonzero(first > 0.5):
            confidence = first
    guide = working_picture(image, 512).astype(np.float32) / 255
    target = reduced(keep_main_regions(confidence), Extent.of(guide))
    guided = matting._GuidedFilter(guide, max(1, int(SIMPLE_RADIUS * Extent.of(guide).longest_side)))
    slope, offset = (enlarged_linearly(each, Extent.of(image)) for each in guided.coefficients(target))
    return matting.without_haze((slope * image).sum(axis=2) / 255 + offset, 0.15)


def enlarged_linearly(values: np.ndarray, extent: Extent) -> np.ndarray:
    """Coefficients at the photo's size."""
    return matting.cv2.resize(values, (extent.width, extent.height), interpolation=matting.cv2.INTER_LINEAR)


def scores_of(labelled: LabelledPhoto, segmenter: SelfieSegmenter, limits: DecodeLimits) -> np.ndarray | None:
    """IoU, boundary F, mean and edge error: a row for each of `SETTINGS`, the last one for the simple method."""
    if labelled.mask is None:
        return None
    image = read_photo(labelled.photo, limits=limits).image
    truth = read_true_mask(labelled.mask, Extent.of(image))
    rows: list[tuple[float, ...]] = []
    for distortion in DISTORTIONS:
        with constants(distortion, PRESENT[1]):
            coarse = segmenter.segment(image).kept_confidence
        for radius in RADII:
            with constants(distortion, radius):
                rows.append(astuple(score_mask(matting.refine_edges(image, coarse), truth)))
    return np.array([*rows, astuple(score_mask(simple_cut_out(segmenter, image), truth))])


def quarter_of(photo: Path) -> int:
    """The part of the photos to which one belongs, whatever the others are."""
    return int(hashlib.sha256(photo.name.encode()).hexdigest(), 16) % QUARTERS


def by_mean(scores: np.ndarray) -> np.ndarray:
    """For each setting, what is to be large: the mean over the photos."""
    return scores[:, :-1, :2].sum(axis=2).mean(axis=0)


def by_limited_mean(scores: np.ndarray) -> np.ndarray:
    """The same, as a difference to the simple method in which no photo counts for much."""
    gains = (scores[:, :-1, :2] - scores[:, -1:, :2]).sum(axis=2)
    return gains.clip(-MOST_OF_A_PHOTO, MOST_OF_A_PHOTO).mean(axis=0)


def report(scores: np.ndarray, quarters: np.ndarray) -> None:
    """Print what was chosen and what came out, in quarters and altogether."""
    print(f"{len(scores)} photos: IoU, boundary F, mean error, edge error")
    for name, place in (("simple method", -1), (f"{PRESENT}, at present", SETTINGS.index(PRESENT))):
        print(f"{name}: {told(scores[:, place])}; IoU and boundary F by quarter:", end="")
        print(*(f" {each[:, place, 0].mean():.3f} {each[:, place, 1].mean():.3f}" for each in parts(scores, quarters)))
    for setting, row in zip(SETTINGS, scores.mean(axis=0), strict=False):
        print(f"{setting} everywhere: {told(row[None])}")
    rules: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "the mean": by_mean, "the mean, no photo above 0.1": by_limited_mean,
    }  # fmt: skip
    for name, rule in rules.items():
        chosen = [int(rule(scores[quarters != quarter]).argmax()) for quarter in range(QUARTERS)]
        held_out = scores[np.arange(len(scores)), [chosen[quarter] for quarter in quarters]]
        print(f"chosen by {name} on the other quarters, {[SETTINGS[each] for each in chosen]}: {told(held_out)}")


def parts(scores: np.ndarray, quarters: np.ndarray) -> Iterator[np.ndarray]:
    """The scores quarter by quarter."""
    for quarter in range(QUARTERS):
        yield scores[quarters == quarter]


def told(rows: np.ndarray) -> str:
    """Means of four figures."""
    return ", ".join(f"{value:.4f}" for value in rows.mean(axis=0))


def main() -> None:
    """Measure the photos that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    given = parser.parse_args()
    limits = DecodeLimits.from_settings(load_settings())
    segmenter, scores, quarters = SelfieSegmenter(), list[np.ndarray](), list[int]()
    for labelled in find_labelled_photos(given.photos):
        found = scores_of(labelled, segmenter, limits)
        if found is not None:
            scores.append(found)
            quarters.append(quarter_of(labelled.photo))
    segmenter.close()
    report(np.array(scores), np.array(quarters))


if __name__ == "__main__":
    main()
