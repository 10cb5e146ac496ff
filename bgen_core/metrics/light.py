"""Whether the subject stands in the light that its new background suggests."""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene
from bgen_core.subject.pasting.light_scale import light_of
from bgen_core.subject.pasting.lighting import DARK, SIDE, fit_light
from bgen_core.subject.segmentation import reduced

_INSIDE = 0.98  # alpha of what is looked at of the subject


def light_agreement(scene: Scene) -> float:
    """2 to the power of minus the distance between two lights, in stops: 1 is the same light, 0.5 is a stop apart.

    The light that the background suggests is `lighting.fit_light` of photo and picture, without its limits; the light
    that the subject has is its pixels' change from the photo. The distance is the root of the mean over the subject's
    pixels and channels of the squared difference of both in log2, at a longest side of 96 px.
    """
    photo, alpha, picture = scene.array("photo"), scene.array("alpha"), scene.array("picture")
    extent = Extent.of(photo).scaled_to_longest_side(SIDE)
    inside = reduced(alpha, extent) > _INSIDE
    wanted = fit_light(photo, alpha, picture)
    if wanted is None or not inside.any():
        raise NotMeasuredError("Too little is around the subject to tell its light.")
    before, after = (np.maximum(light_of(reduced(each, extent))[inside], DARK) for each in (photo, picture))
    suggested = wanted.gain(extent, slice(0, extent.height))[inside]
    return float(2 ** -np.sqrt(np.mean((np.log2(after / before) - np.log2(suggested)) ** 2, dtype=np.float64)))
