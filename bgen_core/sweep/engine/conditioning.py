"""What the UNet is told beside the latents: prompts, the masked image, and SDXL's sizes. Each is encoded once."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.sweep.events import Canvas, PaintCell

KEPT_PROMPTS = 256  # encoded prompts held at once: some 60 MB for SDXL


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedPrompt:
    """One text as the UNet reads it.

    Attributes
    ----------
    key
        Equal keys are equal tensors.
    embeds
        1 × tokens × channels.
    pooled
        1 × channels for SDXL, else None.
    """

    key: tuple[str, bool]
    embeds: torch.Tensor
    pooled: torch.Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedCanvas:
    """One canvas in latent space, each 1 × channels × h × w.

    Attributes
    ----------
    mask
        1 = repaint, at the latents' size.
    masked_image_latents
        The photo with the repainted region grey: what the nine-channel UNets see.
    """

    mask: torch.Tensor
    masked_image_latents: torch.Tensor


class Conditioning:
    """Encodes prompts and canvases with a pipeline's own parts.

    Parameters
    ----------
    pipeline
        StableDiffusionInpaintPipeline or StableDiffusionXLInpaintPipeline.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._is_xl = hasattr(pipeline, "text_encoder_2")
        self._prompts: OrderedDict[tuple[str, bool], EncodedPrompt] = OrderedDict()
        self._canvases: OrderedDict[int, tuple[Canvas, EncodedCanvas]] = OrderedDict()
        self._photos: OrderedDict[int, tuple[Canvas, torch.Tensor]] = OrderedDict()

    def encode_prompt(self, text: str, *, negative: bool) -> EncodedPrompt:
        """Encode a text alone, so that its tensors never depend on its neighbours."""
        empties = negative and not text and self._is_xl and self._pipeline.config.force_zeros_for_empty_prompt
        key = (text, bool(empties))
        if key not in self._prompts:
            self._prompts[key] = self._encode_prompt(key)
            while len(self._prompts) > KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(key)
        return self._prompts[key]

    def _encode_prompt(self, key: tuple[str, bool]) -> EncodedPrompt:
        text, empties = key
        device = self._pipeline.unet.device
        pooled: Any = None
        if self._is_xl:
            embeds, _, pooled, _ = self._pipeline.encode_prompt(
                prompt=text, device=device, num_images_per_prompt=1, do_classifier_free_guidance=False
            )
            if empties:
                embeds, pooled = torch.zeros_like(embeds), torch.zeros_like(pooled)
        else:
            embeds, _ = self._pipeline.encode_prompt(text, device, 1, False)
        return EncodedPrompt(key=key, embeds=embeds, pooled=pooled)

    def encode_canvas(self, canvas: Canvas) -> EncodedCanvas:
        """Encode photo and masked photo from the mode of the latent distribution: no noise enters here."""
        held = self._canvases.get(id(canvas))
        if held is None:
            held = (canvas, self._encode_canvas(canvas))
            self._canvases[id(canvas)] = held
            while len(self._canvases) > KEPT_PROMPTS:
                self._canvases.popitem(last=False)
        return held[1]

    def _encode_canvas(self, canvas: Canvas) -> EncodedCanvas:
        unet, extent = self._pipeline.unet, canvas.extent
        repaint = torch.as_tensor((canvas.mask_image >= 128).astype(np.float32))[None, None]
        latent = latent_extent(self._pipeline, extent)
        mask = torch.nn.functional.interpolate(repaint, size=(latent.height, latent.width))
        return EncodedCanvas(
            mask=mask.to(unet.device, unet.dtype),
            masked_image_latents=self._encode_image(_to_tensor(canvas) * (repaint < 0.5)),
        )

    def encode_photo(self, canvas: Canvas) -> torch.Tensor:
        """Latents of the whole photo: where the painting starts from it, or the kept region is put back."""
        held = self._photos.get(id(canvas))
        if held is None:
            held = (canvas, self._encode_image(_to_tensor(canvas)))
            self._photos[id(canvas)] = held
            while len(self._photos) > KEPT_PROMPTS:
                self._photos.popitem(last=False)
        return held[1]

    def _encode_image(self, image: torch.Tensor) -> torch.Tensor:
        vae, unet = self._pipeline.vae, self._pipeline.unet
        encoded = vae.encode(image.to(vae.device, vae.dtype))
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        return (latents * vae.config.scaling_factor).to(unet.device, unet.dtype)

    def added_conditions(self, prompts: list[EncodedPrompt], extent: Extent) -> dict[str, torch.Tensor] | None:
        """SDXL's pooled prompts and sizes for a batch of rows; None for the other UNets."""
        if not self._is_xl:
            return None
        size = (extent.height, extent.width)
        ids, negative_ids = self._pipeline._get_add_time_ids(
            size, (0, 0), size, 6.0, 2.5, size, (0, 0), size,
            dtype=prompts[0].embeds.dtype,
            text_encoder_projection_dim=self._pipeline.text_encoder_2.config.projection_dim,
        )  # fmt: skip
        # The two differ only in refiners that were trained with aesthetic scores, which have no inpainting.
        del negative_ids
        pooled = torch.cat([prompt.pooled for prompt in prompts if prompt.pooled is not None])
        return {"text_embeds": pooled, "time_ids": ids.to(pooled.device).repeat(len(prompts), 1)}


def _to_tensor(canvas: Canvas) -> torch.Tensor:
    """The photo as the VAE takes it: 1 × 3 × H × W in [-1, 1]."""
    return torch.as_tensor(canvas.init_image.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]


def check_canvases(cells: Sequence[PaintCell], factor: int) -> None:
    """Refuse, before anything runs, canvases that the model cannot paint on.

    Parameters
    ----------
    factor
        Pixels per latent: what both sides must divide by.

    Raises
    ------
    UserInputError
        Sizes differ or do not divide, or a mask leaves nothing to keep or nothing to repaint.
    """
    extent = cells[0].canvas.extent
    if extent.width % factor or extent.height % factor:
        raise UserInputError(f"a picture of {extent} pixels cannot be painted: both sides must divide by {factor}.")
    for canvas in {id(cell.canvas): cell.canvas for cell in cells}.values():
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


def latent_extent(pipeline: Any, extent: Extent) -> Extent:
    """Size of the latents of a picture of that size."""
    factor = pipeline.vae_scale_factor
    return Extent(width=extent.width // factor, height=extent.height // factor)
