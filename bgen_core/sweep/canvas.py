"""From a subject at the photo's size to the canvas at the model's size."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.steering.loras import LoraFile
from bgen_core.subject.decoding.image_io import resize
from bgen_core.subject.masks import repaint_mask
from bgen_core.subject.subject import Subject
from bgen_core.sweep.applied_loras import applied_loras
from bgen_core.sweep.events import Canvas, Failed, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepCell
from bgen_core.sweep.steering.applied_reference import Steering, applied_reference
from bgen_core.wording import quoted

MOST_ELONGATED = 3.0  # wider or taller photos are squeezed to this ratio for the model, and stretched back after
VAE_FACTOR = 8  # pixels per latent of every model in the catalogue
MaskPolicy = tuple[float, float]  # how far the repaint mask grows, and how wide its edge is


def choose_model_extent(photo: Extent, *, side: int, factor: int = VAE_FACTOR) -> Extent:
    """Size at which a model paints: the photo's aspect, the area that it was trained on, sides that divide.

    No side has less than two latents: of a single one some networks can normalise nothing.

    Parameters
    ----------
    photo
        Size of the photo.
    side
        Side of the square that the model was trained on, in pixels.
    factor
        What both sides must divide by: the VAE's pixels per latent. What is said before the model is loaded rests on
        the default.
    """
    ratio = min(max(photo.width / photo.height, 1 / MOST_ELONGATED), MOST_ELONGATED)
    width, height = side * math.sqrt(ratio), side / math.sqrt(ratio)
    return Extent(
        width=max(2 * factor, round(width / factor) * factor),
        height=max(2 * factor, round(height / factor) * factor),
    )


def make_canvas(subject: Subject, params: InpaintParams, extent: Extent) -> Canvas:
    """Photo and repaint mask at the model's size, for one cell's mask policy.

    Raises
    ------
    UserInputError
        Nothing is left to repaint, or nothing is left to keep.
    """
    mask = repaint_mask(subject.alpha, extent, params.mask_grow, params.mask_feather)
    check_mask_balance(subject.name, keeps=bool((mask < 128).any()), repaints=bool((mask >= 128).any()))
    return Canvas(init_image=resize(subject.image, extent), mask_image=mask)


def whole_canvas(subject: Subject) -> Canvas:
    """The whole photo for a background without diffusion; the mask says how much of the background is in a pixel."""
    return Canvas(init_image=subject.image, mask_image=np.rint((1 - subject.alpha) * 255).astype(np.uint8))


def prepare_backdrops(
    subject: Subject, cells: list[SweepCell], background: Callable[[str], np.ndarray] | None
) -> Iterator[PaintCell | Failed]:
    """Cells that no diffusion model paints: all of them share the whole photo.

    Parameters
    ----------
    background
        Gives a background picture by its content address.
    """
    canvas = whole_canvas(subject)
    for cell in cells:
        try:
            shown = background(cell.params.background) if background and cell.params.background else None
        except UserInputError as error:
            yield Failed(index=cell.index, reason=str(error))
        else:
            yield PaintCell(index=cell.index, params=cell.params, canvas=canvas, shown=shown)


def prepare_cells(
    subject: Subject,
    cells: list[SweepCell],
    extent: Extent,
    loras: Mapping[str, LoraFile],
    steering: Steering,
    canvases: dict[MaskPolicy, Canvas] | None = None,
) -> Iterator[PaintCell | Failed]:
    """Cells of one mask policy share one canvas, which the inpainter then encodes once.

    Parameters
    ----------
    loras
        Name -> file, of all that the cells name.
    steering
        What else they name.
    canvases
        Those that were made of this subject at this size before, to which new ones are added: cells that are asked for
        one after another share them too.
    """
    canvases = {} if canvases is None else canvases
    for cell in cells:
        policy = (cell.params.mask_grow, cell.params.mask_feather)
        try:
            if policy not in canvases:
                canvases[policy] = make_canvas(subject, cell.params, extent)
            applied = applied_loras(cell.params, loras)
            yield PaintCell(
                index=cell.index,
                params=cell.params,
                canvas=canvases[policy],
                loras=applied,
                reference=applied_reference(cell.params, steering.ip_adapters),
                shown=steering.pictures.get(cell.params.reference),
                depth=steering.depth,
                photo_extent=Extent.of(subject.image),
            )
        except UserInputError as error:  # this policy leaves nothing to keep or to repaint: the other cells go on
            yield Failed(index=cell.index, reason=str(error))


def check_subject(subject: Subject) -> None:
    """Refuse, before anything runs, a subject that fills its photo or that is not there.

    Raises
    ------
    UserInputError
        Says which, and what to do.
    """
    check_mask_balance(
        subject.name, keeps=bool((subject.alpha > 0.5).any()), repaints=bool((subject.alpha < 0.5).any())
    )


def check_mask_balance(name: str, *, keeps: bool, repaints: bool) -> None:
    """Raise UserInputError unless there is something to keep and something to repaint."""
    if not keeps:
        raise UserInputError(
            f"{quoted(name)} has nothing to keep: mark the subject with the brush, give an alpha, lower mask grow, or "
            "raise subject scale."
        )
    if not repaints:
        raise UserInputError(
            f"{quoted(name)} has nothing to repaint: its mask covers the whole picture; erase the background from it, "
            "or lower subject scale."
        )
