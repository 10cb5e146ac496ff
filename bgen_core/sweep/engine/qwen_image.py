"""Qwen-Image, and Qwen-Image-Edit, which reads the photo with the prompt and sees it beside what it paints."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.models.families import Family
from bgen_core.recent import Recent
from bgen_core.sweep.engine.canvases import latent_extent
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row, Start
from bgen_core.sweep.engine.flow import TokenDenoiser, draw_again
from bgen_core.sweep.engine.schedule import Schedule
from bgen_core.sweep.events import Canvas, PaintCell
from bgen_core.sweep.params import InpaintParams

KEPT_PHOTOS = 64  # a text that is read with a photo of a megapixel takes 10 MB


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
        shapes = [(1, tokens.height, tokens.width)]
        photos = [row.condition for row in rows if row.condition is not None]
        if photos:
            shapes.append((1, photos[0].shape[2] // 2, photos[0].shape[3] // 2))
        embeds, mask = padded([row.prompt.embeds for row in rows])
        return self.network(
            hidden_states=torch.cat([latents, self._pack(torch.cat(photos))], dim=1) if photos else latents,
            timestep=torch.stack([row.timestep for row in rows]).to(latents.dtype) / 1000,
            guidance=None,
            encoder_hidden_states_mask=mask,
            encoder_hidden_states=embeds,
            img_shapes=[shapes] * len(rows),
            return_dict=False,
        )[0][:, : latents.shape[1]]

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        guided = super().guide(params, predictions)
        if len(predictions) == 1:
            return guided
        return guided * (_length(predictions[0]) / _length(guided))

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        vae = self._pipeline.vae
        frames = self.as_image(latents, extent)[:, :, None].to(vae.dtype)
        mean, deviation = self._moments(frames)
        return vae.decode(frames / (1.0 / deviation) + mean, return_dict=False)[0][:, :, 0]


class QwenImageEditDenoiser(QwenImageDenoiser):
    """Follows QwenImageEditInpaintPipeline.__call__ of diffusers 0.42.1, and QwenImageEditPipeline.__call__ where the
    whole photo is edited.

    Both bring the photo to a size of their own, about a megapixel, and the first paints at that size.
    """

    def __init__(self, pipeline: Any, family: Family) -> None:
        super().__init__(pipeline, family)
        self._canvases: Recent[Canvas] = Recent(KEPT_PHOTOS)
        self.forget_prompts()

    def painted_extent(self, cell: PaintCell) -> Extent:
        return cell.canvas.extent if cell.params.edits_whole else self._seen_extent(cell.canvas.extent)

    def _seen_extent(self, extent: Extent) -> Extent:
        """Size at which the photo is read."""
        own: Any = import_module("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_inpaint")
        width, height, _ = own.calculate_dimensions(1024 * 1024, extent.width / extent.height)
        return Extent(width=width, height=height)

    def _seen(self, canvas: Canvas) -> Canvas:
        return self._canvases.get(canvas, lambda: self._resized(canvas, self._seen_extent(canvas.extent)))

    def _resized(self, canvas: Canvas, extent: Extent) -> Canvas:
        photo, mask = (
            np.asarray(self._pipeline.image_processor.resize(Image.fromarray(pixels), extent.height, extent.width))
            for pixels in (canvas.init_image, canvas.mask_image)
        )
        return Canvas(init_image=photo, mask_image=mask)

    def encode_prompt(self, text: str, cell: PaintCell, *, negative: bool) -> EncodedPrompt:
        del negative
        key = (text, cell.canvas)
        return self._prompts.get(key, lambda: self._read(text, self._seen(cell.canvas), key))

    def forget_prompts(self) -> None:
        self._prompts = Recent(KEPT_PHOTOS)

    def _read(self, text: str, canvas: Canvas, key: Hashable) -> EncodedPrompt:
        embeds, _ = self._pipeline.encode_prompt(
            image=Image.fromarray(canvas.init_image), prompt=text, device=self.device, max_sequence_length=512
        )
        return EncodedPrompt(key=key, embeds=embeds)

    def start(self, cell: PaintCell, schedule: Schedule, generator: torch.Generator) -> Start:
        seen = self._seen(cell.canvas)
        if not cell.params.edits_whole:
            return super().start(replace(cell, canvas=seen), schedule, generator)
        photo = self._scale(self._photo(seen).mode()).to(self.device, self._dtype)
        noise = self._pack(self._noise(cell, generator))
        draw_again(generator, cell)
        return Start(latents=noise, noise=noise, condition=photo, photo=None, mask=None, canvas_key=cell.canvas)

    def _condition(self, canvas: Canvas, photo: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        del generator
        return self.as_image(photo, canvas.extent)


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
