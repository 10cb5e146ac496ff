"""Flux: dev and schnell, Fill, which sees the mask, and Kontext, which sees the photo."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.canvases import latent_extent, repaint_tensor
from bgen_core.sweep.engine.decoding import encoding_key
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row, Start
from bgen_core.sweep.engine.flow import TokenDenoiser, to_tensor
from bgen_core.sweep.engine.schedule import Schedule
from bgen_core.sweep.events import Canvas, PaintCell


class FluxDenoiser(TokenDenoiser):
    """Follows FluxInpaintPipeline.__call__ of diffusers 0.42.1."""

    def _encode_prompt(self, text: str) -> EncodedPrompt:
        embeds, pooled, _ = self._pipeline.encode_prompt(
            prompt=text, prompt_2=None, device=self.device, max_sequence_length=512
        )
        return EncodedPrompt(key=text, embeds=embeds, pooled=pooled)

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        transformer = self._pipeline.transformer
        latents = torch.stack([row.latents for row in rows])
        embeds = torch.cat([row.prompt.embeds for row in rows])
        guidance: torch.Tensor | None = None
        if transformer.config.guidance_embeds:
            guidance = torch.tensor([row.guidance for row in rows], dtype=torch.float32, device=self.device)
        return self.network(
            hidden_states=self._with_condition(latents, rows),
            timestep=torch.stack([row.timestep for row in rows]).to(latents.dtype) / 1000,
            guidance=guidance,
            pooled_projections=torch.cat([row.prompt.pooled for row in rows if row.prompt.pooled is not None]),
            encoder_hidden_states=embeds,
            txt_ids=torch.zeros(embeds.shape[1], 3, device=self.device, dtype=embeds.dtype),
            img_ids=self._places(extent, embeds.dtype),
            return_dict=False,
        )[0][:, : latents.shape[1]]

    def _with_condition(self, latents: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        del rows
        return latents

    def _places(self, extent: Extent, dtype: torch.dtype) -> torch.Tensor:
        """Tokens × 3: which picture, row and column."""
        latent = latent_extent(extent, 2 * self._factor)
        return self._pipeline._prepare_latent_image_ids(1, latent.height, latent.width, self.device, dtype)


class FluxFillDenoiser(FluxDenoiser):
    """Follows FluxFillPipeline.__call__: mask and masked photo are channels of the input, and nothing is put back."""

    def start(self, cell: PaintCell, schedule: Schedule, generator: torch.Generator) -> Start:
        return replace(super().start(cell, schedule, generator), photo=None, mask=None)

    def _condition(self, canvas: Canvas, photo: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        repaint, latent = repaint_tensor(canvas), latent_extent(canvas.extent, self._factor)
        key = encoding_key(self._pipeline, canvas, "masked")
        masked: Any = self._photos.get(key, lambda: self._encode(to_tensor(canvas) * (1 - repaint)))
        pixels = repaint[:, 0].view(1, latent.height, self._factor, latent.width, self._factor)
        mask = pixels.permute(0, 2, 4, 1, 3).reshape(1, self._factor**2, latent.height, latent.width)
        return torch.cat(
            [self._pack(self._sample(masked, generator)), self._pack(mask).to(self.device, self._dtype)], dim=2
        )

    def _with_condition(self, latents: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        return torch.cat([latents, torch.cat([row.condition for row in rows if row.condition is not None])], dim=2)


class FluxKontextDenoiser(FluxDenoiser):
    """Follows FluxKontextInpaintPipeline.__call__, and FluxKontextPipeline.__call__ where the whole photo is edited:
    the photo's tokens stand behind the picture's.
    """

    def _sample(self, distribution: Any, generator: torch.Generator) -> torch.Tensor:
        del generator  # its pipeline takes the distribution's mode
        return self._scale(distribution.mode()).to(self.device, self._dtype)

    def _condition(self, canvas: Canvas, photo: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        del canvas, generator
        return photo

    def _with_condition(self, latents: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        return torch.cat([latents, torch.cat([row.condition for row in rows if row.condition is not None])], dim=1)

    def _places(self, extent: Extent, dtype: torch.dtype) -> torch.Tensor:
        picture = super()._places(extent, dtype)
        photo = picture.clone()
        photo[:, 0] = 1
        return torch.cat([picture, photo])
