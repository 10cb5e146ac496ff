"""The person that somebody points at, parted from those who touch; another segmenter where they point at a thing."""

from functools import cached_property

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.persons.people import Body, PeopleFinder, box_of, shared
from bgen_core.subject.prompted.found_object import PromptedSegmenter
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.segmentation import default_segmenter, working_picture

_MEANT = 0.5  # of a body's mask at the click, or shared by its box and the drawn one: else something else is meant


class PersonsFirst:
    """A `PromptedSegmenter` that knows persons, in front of one that knows none.

    Parameters
    ----------
    things
        Answers where no person is meant.
    """

    def __init__(self, things: PromptedSegmenter) -> None:
        self.name = f"persons, {things.name}"
        self._things = things

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        small = working_picture(image)
        bodies = self._people.look(small).bodies
        meant = _meant(bodies, prompt, Extent.of(image), Extent.of(small))
        if meant is None:
            return self._things.object_at(image, prompt)
        found = default_segmenter().segment(small).kept_confidence
        own = meant.mask
        for other in bodies:
            if other is not meant:
                own = np.where(other.mask > meant.mask, 0, own)
        theirs = (found + 2 * own) / 3
        return np.where(own > 0.1, theirs, np.float32(0)).astype(np.float32)

    @cached_property
    def _people(self) -> PeopleFinder:
        return PeopleFinder()


def _meant(bodies: tuple[Body, ...], prompt: Prompt, photo: Extent, size: Extent) -> Body | None:
    """Whose body is pointed at; None where it is nobody's."""
    scale = size.width / photo.width
    shares: list[float] = []
    for body in bodies:
        if prompt.is_box:
            drawn = prompt.box(photo)
            box = Box(
                left=int(drawn.left * scale),
                top=int(drawn.top * scale),
                right=int(drawn.right * scale) + 1,
                bottom=int(drawn.bottom * scale) + 1,
            )
            own = box_of(body.mask)
            shares.append(shared(own, box) if own else 0.0)
        else:
            (x, y), *_ = prompt.points
            place = min(size.height - 1, int(y * scale)), min(size.width - 1, int(x * scale))
            shares.append(float(body.mask[place]))
    best = int(np.argmax(shares)) if shares else 0
    return bodies[best] if shares and shares[best] > _MEANT else None
