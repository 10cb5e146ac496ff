"""Canvases as tensors, and which of them a model can paint on."""

import numpy as np
import torch

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.sweep.events import Canvas


def repaint_tensor(canvas: Canvas) -> torch.Tensor:
    """1 × 1 × H × W, 1 = repaint, else 0."""
    return torch.as_tensor((canvas.mask_image >= 128).astype(np.float32))[None, None]


def latent_mask(canvas: Canvas, latent: Extent) -> torch.Tensor:
    """The same at the latents' size."""
    return torch.nn.functional.interpolate(repaint_tensor(canvas), size=(latent.height, latent.width))


def latent_extent(extent: Extent, factor: int) -> Extent:
    """Size of the latents of a picture, of an autoencoder with so many pixels per latent."""
    return Extent(width=extent.width // factor, height=extent.height // factor)


def check_canvas(canvas: Canvas, extent: Extent, multiple: int) -> None:
    """Refuse a canvas that the model cannot paint on.

    Parameters
    ----------
    extent
        Size of all pictures that are painted together.
    multiple
        What both sides must divide by.

    Raises
    ------
    UserInputError
        It has another size or does not divide, or its mask leaves nothing to keep or nothing to repaint.
    """
    if extent.width % multiple or extent.height % multiple:
        raise UserInputError(f"a picture of {extent} pixels cannot be painted: both sides must divide by {multiple}.")
    if canvas.extent != extent or Extent.of(canvas.mask_image) != extent:
        raise UserInputError(
            f"a picture of {canvas.extent} with a mask of {Extent.of(canvas.mask_image)} pixels is among pictures "
            f"of {extent}: all must have one size."
        )
    repainted = canvas.mask_image >= 128
    if not repainted.any():
        raise UserInputError("a mask has nothing to repaint: it must be 128 or more somewhere.")
    if repainted.all():
        raise UserInputError("a mask has nothing to keep: it must be below 128 somewhere.")
