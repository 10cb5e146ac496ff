"""Whether the subject is still the photo's own."""

import numpy as np

from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene
from bgen_core.models.catalogue import describe_model
from bgen_core.subject.matting import strips

_ROUNDING = 1e-3  # levels


def core_changed(scene: Scene) -> float:
    """Number of pixels with alpha 1 that differ from the photo in any channel."""
    photo, alpha, picture = scene.array("photo"), scene.array("alpha"), scene.array("picture")
    changed = 0
    for rows in strips(len(photo)):
        differs = photo[rows] != picture[rows]
        # Channel by channel: numpy's any() over three of them takes ten times as long
        changed += np.count_nonzero((differs[..., 0] | differs[..., 1] | differs[..., 2]) & (alpha[rows] >= 1))
    return float(changed)


def edge_change(scene: Scene) -> float:
    """Greatest change of a pixel in the edge band that no new background explains, in levels of 255.

    A pixel with alpha a is a mix: a of the subject and 1 − a of what is behind. Another background alone can move it by
    at most 255 · (1 − a) from the photo. What goes beyond, the largest over all channels and pixels with 0 < a < 1, is
    a change of the subject itself. The background need not be known, so that a mistake in the compositing cannot hide
    in its own formula.
    """
    photo, alpha, picture = scene.array("photo"), scene.array("alpha"), scene.array("picture")
    greatest = 0.0
    for rows in strips(len(photo)):
        share = alpha[rows]
        band = (share > 0) & (share < 1)
        if band.any():
            moved = np.abs(picture[rows][band].astype(np.int16) - photo[rows][band]).max(axis=1)
            # A mix is rounded to whole levels, and an alpha in steps of 1/255 is not exact in float32.
            explained = np.ceil(255 * (1 - share[band]) - _ROUNDING)
            greatest = max(greatest, float((moved - explained).max()))
    return greatest


def expansion(scene: Scene) -> float:
    """Area that the person gained outside the alpha, in percent of the picture."""
    _check_painted(scene)
    return 100 * scene.expansion.image_share


def expansion_of_subject(scene: Scene) -> float:
    """Area that the person gained outside the alpha, in percent of the subject."""
    _check_painted(scene)
    return 100 * scene.expansion.subject_share


def _check_painted(scene: Scene) -> None:
    """A person in somebody's own background picture is none that a model let grow."""
    model = scene.inputs.record.model
    if describe_model(model).family.backdrop:
        raise NotMeasuredError(f"{model} is made without a model that could let the person grow.")


def expansion_note(scene: Scene) -> str:
    """Whether segmentation may have measured something else that stands out."""
    return "" if scene.expansion.person_found else "It is not sure that the raw picture shows a person."
