"""Flux.2 Klein, which sees the photo beside what it paints."""

from collections.abc import Sequence
from typing import Any

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.canvases import latent_extent, repaint_tensor
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row
from bgen_core.sweep.engine.flow import FlowDenoiser
from bgen_core.sweep.events import Canvas
from bgen_core.sweep.params import InpaintParams


class KleinDenoiser(FlowDenoiser):
    """Follows Flux2KleinInpaintPipeline.__call__ of diffusers 0.42.1, and Flux2KleinPipeline.__call__ where the whole
    photo is edited.

    Two by two latents are one here, of four times the channels: noise and mask are made at that size.
    """

    @property
    def multiple(self) -> int:
        return self._family.multiple(self._pipeline.vae_scale_factor)

    @property
    def _factor(self) -> int:
        return 2 * self._pipeline.vae_scale_factor

    @property
    def _channels(self) -> int:
        return 4 * self._pipeline.vae.config.latent_channels

    def _mu(self, extent: Extent, params: InpaintParams, *, max_shift: float = 1.15) -> float:
        from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

        del max_shift
        latent = latent_extent(extent, self._factor)
        return compute_empirical_mu(latent.width * latent.height, params.num_inference_steps)

    def _encode_prompt(self, text: str) -> EncodedPrompt:
        embeds, _ = self._pipeline.encode_prompt(prompt=text, device=self.device, max_sequence_length=512)
        return EncodedPrompt(key=text, embeds=embeds)

    def _sample(self, distribution: Any, generator: torch.Generator) -> torch.Tensor:
        del generator  # its pipelines take the distribution's mode
        return self._scale(distribution.mode()).to(self.device, self._dtype)

    def _scale(self, latents: torch.Tensor) -> torch.Tensor:
        """Two by two latents as one, and by the autoencoder's own statistics."""
        number, channels, height, width = latents.shape
        split = latents.view(number, channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
        mean, deviation = self._moments(latents)
        return (split.reshape(number, channels * 4, height // 2, width // 2) - mean) / deviation

    def _moments(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        vae = self._pipeline.vae
        mean = vae.bn.running_mean.view(1, -1, 1, 1).to(latents.device, latents.dtype)
        spread = vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps
        return mean, torch.sqrt(spread).to(latents.device, latents.dtype)

    def _latent_mask(self, canvas: Canvas, latent: Extent) -> torch.Tensor:
        size = (latent.height, latent.width)
        return torch.nn.functional.interpolate(repaint_tensor(canvas), size=size, mode="bilinear")

    def _condition(self, canvas: Canvas, photo: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        del canvas, generator
        return photo

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        latents = torch.stack([row.latents for row in rows])
        photos = torch.cat([row.condition for row in rows if row.condition is not None])
        embeds = torch.cat([row.prompt.embeds for row in rows])
        return self.network(
            hidden_states=torch.cat([latents, photos], dim=1).to(self._dtype),
            timestep=torch.stack([row.timestep for row in rows]).to(latents.dtype) / 1000,
            guidance=None,
            encoder_hidden_states=embeds,
            txt_ids=self._pipeline._prepare_text_ids(embeds[:1]).to(self.device),
            img_ids=self._places(extent),
            return_dict=False,
        )[0][:, : latents.shape[1]]

    def _places(self, extent: Extent) -> torch.Tensor:
        """1 × tokens × 4: which picture, row and column; the photo's stand behind the picture's."""
        latent, pipeline = latent_extent(extent, self._factor), self._pipeline
        empty = torch.empty(1, 1, latent.height, latent.width)
        places = [pipeline._prepare_latent_ids(empty), pipeline._prepare_image_ids([empty], 1)]
        return torch.cat(places, dim=1).to(self.device)

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        return self._pipeline.vae.decode(self.as_image(latents, extent), return_dict=False)[0]

    def encode_colours(self, image: torch.Tensor) -> torch.Tensor:
        return self._encode(image).mode()

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.flatten(2).permute(0, 2, 1)

    def as_image(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        latent, number = latent_extent(extent, self._factor), len(latents)
        tokens = latents.permute(0, 2, 1).reshape(number, -1, latent.height, latent.width)
        mean, deviation = self._moments(tokens)
        split = (tokens * deviation + mean).view(number, -1, 2, 2, latent.height, latent.width)
        return split.permute(0, 1, 4, 2, 5, 3).reshape(number, -1, latent.height * 2, latent.width * 2)
