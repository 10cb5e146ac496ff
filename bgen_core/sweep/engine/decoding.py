# pyright: reportUnknownMemberType=false
"""Latents to pictures: the VAE's decoder for finished cells, a fitted linear map for previews."""

from typing import Any

import torch


def decode_latents(pipeline: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decode one picture's latents.

    One at a time: on a CPU that is faster than any batch, and everywhere it makes a picture independent of its
    neighbours.

    Parameters
    ----------
    latents
        channels × h × w.

    Returns
    -------
    torch.Tensor
        uint8, HWC, RGB, still on the device; rounded as diffusers' VaeImageProcessor rounds.
    """
    vae = pipeline.vae
    scaled = latents[None].to(vae.dtype)
    mean, deviation = getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None)
    if mean is not None and deviation is not None:
        mean = torch.tensor(mean).view(1, -1, 1, 1).to(scaled)
        deviation = torch.tensor(deviation).view(1, -1, 1, 1).to(scaled)
        scaled = scaled * deviation / vae.config.scaling_factor + mean
    else:
        scaled = scaled / vae.config.scaling_factor
    image = vae.decode(scaled.contiguous(memory_format=torch.channels_last), return_dict=False)[0]
    unit = (image[0] * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).float()
    return (unit * 255).round().to(torch.uint8)


class LatentPreview:
    """Latents to small RGB pictures by a linear map, fitted once per VAE.

    The map is the least-squares fit from the latents of smooth colour fields, as the VAE encodes them, to their
    colours; every VAE of four or more channels is close to linear in mean colour.

    Parameters
    ----------
    vae
        The model's VAE.
    factor
        Pixels per latent.
    """

    def __init__(self, vae: Any, factor: int) -> None:
        generator = torch.Generator("cpu").manual_seed(0)
        coarse = torch.rand((4, 3, 4, 4), generator=generator)
        small = torch.nn.functional.interpolate(coarse, size=(16, 16), mode="bilinear")
        image = torch.nn.functional.interpolate(small, scale_factor=factor, mode="bilinear") * 2 - 1
        encoded = vae.encode(image.to(vae.device, vae.dtype))
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        latents = (latents * vae.config.scaling_factor).float().cpu()
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
