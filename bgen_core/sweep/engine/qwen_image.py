"""Qwen-Image."""

from collections.abc import Sequence
from typing import Any

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.canvases import latent_extent
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row
from bgen_core.sweep.engine.flow import TokenDenoiser
from bgen_core.sweep.params import InpaintParams


class QwenImageDenoiser(TokenDenoiser):
    """Follows QwenImageInpaintPipeline.__call__ of diffusers 0.42.1; its autoencoder is one of videos."""

    @property
    def _channels(self) -> int:
        return self._pipeline.vae.config.z_dim

    def _encode_prompt(self, text: str) -> EncodedPrompt:
        embeds, mask = self._pipeline.encode_prompt(prompt=text, device=self.device, max_sequence_length=512)
        if mask is not None:
            raise RuntimeError("a text that was read alone is padded")
        return EncodedPrompt(key=text, embeds=embeds)

    def _encode(self, image: torch.Tensor) -> Any:
        return super()._encode(image[:, :, None])

    def _scale(self, latents: torch.Tensor) -> torch.Tensor:
        mean, deviation = self._moments(latents)
        return ((latents - mean) * (1.0 / deviation))[:, :, 0]

    def _moments(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        config = self._pipeline.vae.config
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(latents.device, latents.dtype)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, deviation

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        latents, tokens = torch.stack([row.latents for row in rows]), latent_extent(extent, 2 * self._factor)
        embeds, mask = padded([row.prompt.embeds for row in rows])
        return self.network(
            hidden_states=latents,
            timestep=torch.stack([row.timestep for row in rows]).to(latents.dtype) / 1000,
            guidance=None,
            encoder_hidden_states_mask=mask,
            encoder_hidden_states=embeds,
            img_shapes=[[(1, tokens.height, tokens.width)]] * len(rows),
            return_dict=False,
        )[0]

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        guided = super().guide(params, predictions)
        if len(predictions) == 1:
            return guided
        return guided * (_length(predictions[0]) / _length(guided))

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        vae = self._pipeline.vae
        frames = self.as_image(latents[None], extent)[:, :, None].to(vae.dtype)
        mean, deviation = self._moments(frames)
        return vae.decode(frames / (1.0 / deviation) + mean, return_dict=False)[0][0, :, 0]


def _length(tokens: torch.Tensor) -> torch.Tensor:
    """Of each token's vector."""
    return tokens.float().square().sum(dim=-1, keepdim=True).sqrt().to(tokens.dtype)


def padded(texts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Texts of any lengths, 1 × tokens × channels each, as one tensor; which tokens are text, None where all are."""
    longest = max(text.shape[1] for text in texts)
    if all(text.shape[1] == longest for text in texts):
        return torch.cat(list(texts)), None
    together = texts[0].new_zeros(len(texts), longest, texts[0].shape[2])
    mask = torch.zeros(len(texts), longest, dtype=torch.long, device=together.device)
    for place, text in enumerate(texts):
        together[place, : text.shape[1]] = text[0]
        mask[place, : text.shape[1]] = 1
    return together, mask
