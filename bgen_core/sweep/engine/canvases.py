"""Canvases as tensors, and which of them a model can paint on."""

import hashlib
from importlib import import_module
from typing import Any

import numpy as np
import torch

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.sweep.events import Canvas, PaintCell


def repaint_tensor(canvas: Canvas) -> torch.Tensor:
    """1 × 1 × H × W, 1 = repaint, else 0."""
    return torch.as_tensor((canvas.mask_image >= 128).astype(np.float32))[None, None]


def latent_mask(canvas: Canvas, latent: Extent) -> torch.Tensor:
    """The same at the latents' size."""
    return torch.nn.functional.interpolate(repaint_tensor(canvas), size=(latent.height, latent.width))


def latent_extent(extent: Extent, factor: int) -> Extent:
    """Size of the latents of a picture, of an autoencoder with so many pixels per latent."""
    return Extent(width=extent.width // factor, height=extent.height // factor)


def draw_noise(
    cell: PaintCell, channels: int, factor: int, generator: torch.Generator, device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    """A cell's noise, 1 × channels × h × w, of an autoencoder with `factor` pixels per latent.

    That of a tile is cut from the noise of the whole picture, which its seed alone makes: tiles that overlap start
    from the same. A tile that its family paints at another size has noise of its own.
    """
    randn_tensor: Any = import_module("diffusers.utils.torch_utils").randn_tensor

    own, window = latent_extent(cell.canvas.extent, factor), cell.window
    options: dict[str, Any] = {"device": device, "dtype": dtype}
    if window is None or window.whole == window.box.extent or window.box.extent != cell.canvas.extent:
        return randn_tensor((1, channels, own.height, own.width), generator=generator, **options)
    whole = latent_extent(window.whole, factor)
    shared = torch.Generator("cpu").manual_seed(cell.params.seed)
    noise = randn_tensor((1, channels, whole.height, whole.width), generator=shared, **options)
    top, left = window.box.top // factor, window.box.left // factor
    return noise[:, :, top : top + own.height, left : left + own.width].contiguous()


def generator_of(cell: PaintCell) -> torch.Generator:
    """The cell's own, by its seed; a tile's by its place too, so that a scheduler's noise does not repeat in tiles."""
    seed, window = cell.params.seed, cell.window
    if window is not None and (window.box.left or window.box.top):
        text = f"{seed}/{window.box.left}/{window.box.top}".encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:7], "big")
    return torch.Generator("cpu").manual_seed(seed)


def check_canvas(canvas: Canvas, extent: Extent, multiple: int, *, is_tile: bool = False) -> None:
    """Refuse a canvas that the model cannot paint on.

    Parameters
    ----------
    extent
        Size of all pictures that are painted together.
    multiple
        What both sides must divide by.
    is_tile
        A tile of a picture need not keep anything.

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
    if repainted.all() and not is_tile:
        raise UserInputError("a mask has nothing to keep: it must be below 128 somewhere.")
