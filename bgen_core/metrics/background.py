"""What the new background is like: its detail, its colours, and how much the seed alone changes it.

Sources
-------
Colourfulness: Hasler, Süsstrunk, "Measuring colourfulness in natural images", SPIE Human Vision and Electronic Imaging
VIII, 2003, equation M(3).
"""

import numpy as np

from bgen_core.content_address import hash_content
from bgen_core.extent import Extent
from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene, gradients
from bgen_core.records.run import RunRecord
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import reduced

SEED_MATE_SIDE = 128
_NO_BACKGROUND = "The mask leaves no background to measure."
_LUMINANCE = np.array([[0.2125, 0.7154, 0.0721]], np.float32)  # ITU-R BT.709, as scikit-image has it


def detail(scene: Scene) -> float:
    """Mean gradient magnitude of the background's luminance, in levels of 255 per pixel.

    At a longest side of at most 1024 px, over pixels whose 3 × 3 neighbourhood holds nothing of the subject.
    """
    inner = cv2.erode(scene.background.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not inner.any():
        raise NotMeasuredError(_NO_BACKGROUND)
    luminance = cv2.transform(scene.small_picture.astype(np.float32), _LUMINANCE)
    return float(cv2.magnitude(*gradients(luminance))[inner].mean(dtype=np.float64))


def colourfulness(scene: Scene) -> float:
    """Hasler and Süsstrunk's M(3) of the background: σ + 0.3 μ of the opponent colours R − G and (R + G) / 2 − B."""
    if not scene.background.any():
        raise NotMeasuredError(_NO_BACKGROUND)
    red, green, blue = scene.small_picture[scene.background].astype(np.float64).T
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    return float(np.linalg.norm(opponents.std(axis=1)) + 0.3 * np.linalg.norm(opponents.mean(axis=1)))


def seed_difference(scene: Scene) -> float:
    """Mean colour difference of the background to the same run with other seeds (CIE 1976 ΔE*ab, sRGB, D65).

    At a longest side of at most 128 px; each pixel counts with its share of background, 1 − alpha.
    """
    mates = scene.inputs.seed_mates
    if not mates:
        raise NotMeasuredError("No other run differs from it in nothing but the seed.")
    own = reduced_for_seed_mates(scene.small_picture)
    weights = 1 - reduced(scene.small_alpha, Extent.of(own))
    if not weights.any():
        raise NotMeasuredError(_NO_BACKGROUND)
    # By way of a thumbnail, rounding can give a side one pixel more
    others = [reduced(mate, Extent.of(own)) for mate in mates]
    differences = [np.linalg.norm(_lab(own) - _lab(other), axis=2) for other in others]
    return float(np.mean([np.average(difference, weights=weights) for difference in differences]))


def reduced_for_seed_mates(picture: np.ndarray) -> np.ndarray:
    """A finished picture (uint8, HWC, RGB) at the size at which seed-mates are compared; a thumbnail will do."""
    return reduced(picture, Extent.of(picture).scaled_to_longest_side(SEED_MATE_SIDE))


def seed_key(record: RunRecord) -> str:
    """The same text for runs that are equal in everything that changes pixels but the seed."""
    params = record.params.to_json()
    del params["seed"]
    return hash_content(
        {
            "params": params,
            "subject": record.subject_id,
            "model": record.model_revision,
            "device": record.device,
            "dtype": record.dtype,
            # What the light did follows from the seed's own background
            "versions": {name: each for name, each in record.versions.items() if name != "light"},
        }
    )


def _lab(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
