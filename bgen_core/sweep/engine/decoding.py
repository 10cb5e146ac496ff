# pyright: reportUnknownMemberType=false
"""Latents to pictures: the autoencoder in tiles, bytes of what it decodes, and a fitted linear map for previews."""

from collections.abc import Generator, Hashable
from contextlib import contextmanager
from typing import Any

import torch

from bgen_core.sweep.engine.denoiser import Denoiser

TILE = 1024  # side of a tile in pixels; the next one begins after three quarters of it


@contextmanager
def in_tiles(pipeline: Any, wanted: bool) -> Generator[None]:
    """Let a pipeline's autoencoder work in overlapping tiles, whose edges are blended, as diffusers 0.42.1 does.

    What it does to a whole picture (normalisation over all pixels, attention between them) it then does to each tile.
    """
    vae: Any = getattr(pipeline, "vae", None)
    if not wanted or not hasattr(vae, "use_tiling"):
        yield
        return
    if hasattr(vae, "tile_sample_stride_height"):  # Qwen-Image's, one of videos
        vae.enable_tiling(TILE, TILE, TILE * 3 // 4, TILE * 3 // 4)
    else:
        vae.enable_tiling()
        vae.tile_sample_min_size, vae.tile_overlap_factor = TILE, 0.25
        vae.tile_latent_min_size = TILE // pipeline.vae_scale_factor
    try:
        yield
    finally:
        vae.disable_tiling()


def encoding_key(pipeline: Any, *of: Hashable) -> Hashable:
    """What an encoded picture depends on: what it was made of, and whether in tiles."""
    return (*of, getattr(pipeline.vae, "use_tiling", False))


def to_pixels(decoded: torch.Tensor) -> torch.Tensor:
    """A picture of [-1, 1] as bytes.

    Parameters
    ----------
    decoded
        3 × H × W.

    Returns
    -------
    torch.Tensor
        uint8, HWC, RGB, on the same device; rounded as diffusers' VaeImageProcessor rounds.
    """
    unit = (decoded * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).float()
    return (unit * 255).round().to(torch.uint8)


class LatentPreview:
    """Latents to small RGB pictures by a linear map, fitted once per VAE.

    The map is the least-squares fit from the latents of smooth colour fields, as the VAE encodes them, to their
    colours; every VAE of four or more channels is close to linear in mean colour.

    Parameters
    ----------
    denoiser
        The model.
    factor
        Pixels per latent.
    """

    def __init__(self, denoiser: Denoiser, factor: int) -> None:
        generator = torch.Generator("cpu").manual_seed(0)
        coarse = torch.rand((4, 3, 4, 4), generator=generator)
        small = torch.nn.functional.interpolate(coarse, size=(16, 16), mode="bilinear")
        image = torch.nn.functional.interpolate(small, scale_factor=factor, mode="bilinear") * 2 - 1
        latents = denoiser.encode_colours(image).float().cpu()
        colours = torch.nn.functional.avg_pool2d(image, factor)
        inputs = latents.permute(0, 2, 3, 1).flatten(0, 2)
        inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
        targets = colours.permute(0, 2, 3, 1).flatten(0, 2)
        self._map: torch.Tensor = torch.linalg.lstsq(inputs, targets).solution

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        """One pixel per latent: N × channels × h × w to uint8, NHWC, RGB, on the latents' device."""
        self._map = self._map.to(latents.device)
        colours = latents.float().permute(0, 2, 3, 1) @ self._map[:-1] + self._map[-1]
        return ((colours.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
