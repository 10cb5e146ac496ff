"""A metric of a background, whether it is finished or not: pasted and measured small, which takes little time."""

import numpy as np

from bgen_core.extent import Extent
from bgen_core.metrics import Metric, NotMeasuredError
from bgen_core.metrics.scene import Scene, Shown
from bgen_core.subject.pasting.compositing import CompositeOptions, composite, effective_alpha
from bgen_core.subject.pasting.edge import Edges
from bgen_core.subject.placing import PlacedSubject
from bgen_core.subject.segmentation import reduced

SIDE = 512  # longest side at which it is pasted and measured, in pixels


class Glance:
    """One subject, small, before which backgrounds are measured.

    Parameters
    ----------
    placed
        The subject as it stands on its picture.
    painted
        The size at which backgrounds are painted: it is measured no larger.
    """

    def __init__(self, placed: PlacedSubject, painted: Extent) -> None:
        subject = placed.subject
        photo = Extent.of(subject.image)
        longest = min(SIDE, max(painted.width, painted.height), max(photo.width, photo.height))
        extent = photo.scaled_to_longest_side(longest)
        self._placed = placed
        self._image, self._alpha = reduced(subject.image, extent), reduced(subject.alpha, extent)
        self._edges = Edges(self._image, self._alpha)

    def value(self, metric: Metric, background: np.ndarray, pasting: CompositeOptions) -> float | None:
        """What the metric says of the subject before a background; None where it says nothing.

        Parameters
        ----------
        background
            uint8, HWC, RGB, of any size: a preview or a raw picture.
        pasting
            As the run's picture is pasted.
        """
        options = self._placed.pasting(pasting)
        picture = composite(self._image, self._alpha, background, edges=self._edges, options=options)
        shown = Shown(photo=self._image, alpha=effective_alpha(self._alpha, options), picture=picture)
        try:
            found = metric.compute(Scene(shown))
        except NotMeasuredError:
            return None
        return found if np.isfinite(found) else None
