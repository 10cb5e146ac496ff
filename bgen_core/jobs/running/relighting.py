"""The subject's light by a model: once for a raw picture, by the thread that paints, between two of its evaluations."""

import time
from collections.abc import Sequence
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.jobs.running.work import Painted, Photo, Work
from bgen_core.subject.pasting.light_map import fit_light_map
from bgen_core.sweep.plan import SweepCell
from bgen_core.sweep.steering.ic_light import ic_light


def with_light(work: Work, photo: Photo, cells: Sequence[SweepCell], painted: Painted) -> Painted:
    """A raw picture with the light that a model gives the subject before it, where one is there and a cell wants it.

    A model that cannot be used is written down: it fails the cells that want light, and no others.
    """
    model = work.steering.light
    if model is None or painted.relit is not None or not any(cell.params.light for cell in cells):
        return painted
    subject, began = photo.subject, time.perf_counter()
    try:
        picture = ic_light(model).relit(subject.image, subject.alpha, painted.image)
    except UserInputError as error:
        return replace(painted, light_fault=error.public)
    relit = fit_light_map(subject.image, subject.alpha, picture)
    return replace(painted, relit=relit, seconds=painted.seconds | {"light": time.perf_counter() - began})
