"""The subject's light by a model: once for a raw picture, by the thread that paints, between two of its evaluations."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.jobs.running.work import Painted, Photo, Work
from bgen_core.subject.pasting.light_map import fit_light_map
from bgen_core.sweep.events import Relit
from bgen_core.sweep.plan import SweepCell
from bgen_core.sweep.steering.ic_light import ic_light, steps_of


def awaits_light(work: Work, cells: Sequence[SweepCell]) -> bool:
    """Whether a model is asked for the light of these cells, which share a raw picture."""
    return work.steering.light is not None and any(cell.params.light for cell in cells)


def with_light(
    work: Work, photo: Photo, cells: Sequence[SweepCell], painted: Painted, is_stopping: Callable[[], bool]
) -> Generator[Relit, None, Painted | None]:
    """A raw picture with the light that a model gives the subject before it, where one is there and a cell wants it.

    A model that cannot be used is written down: it fails the cells that want light, and no others. Returns None where
    it was stopped, within one evaluation.
    """
    model = work.steering.light
    if model is None or painted.relit is not None or not awaits_light(work, cells):
        return painted
    subject, began = photo.subject, time.perf_counter()
    index = next(cell.index for cell in cells if cell.params.light)
    with closing(ic_light(model).relight(subject.image, subject.alpha, painted.image)) as relighting:
        try:
            while True:
                yield Relit(index=index, step=next(relighting), of=steps_of(model))
                if is_stopping():
                    return None
        except StopIteration as end:
            picture = end.value
        except UserInputError as error:
            return replace(painted, light_fault=error.public)
    relit = fit_light_map(subject.image, subject.alpha, picture)
    return replace(painted, relit=relit, seconds=painted.seconds | {"light": time.perf_counter() - began})
