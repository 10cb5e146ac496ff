# pyright: reportUnknownVariableType=false
"""Stable Diffusion 1.x, 2.x and SDXL: a UNet with nine input channels, or with four and the kept region put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bgen_core.extent import Extent
from bgen_core.models.schedulers import get_scheduler
from bgen_core.recent import Recent
from bgen_core.sweep.engine.canvases import draw_noise, latent_extent, latent_mask, repaint_tensor
from bgen_core.sweep.engine.clip_text import read_weighted, read_without_layers, readers_of
from bgen_core.sweep.engine.decoding import encoding_key
from bgen_core.sweep.engine.denoiser import KEPT_PROMPTS, EncodedPrompt, Row, Start
from bgen_core.sweep.engine.network import Network
from bgen_core.sweep.engine.network.layout import LAYOUTS, laid_out
from bgen_core.sweep.engine.schedule import DiffusionSchedule, Schedule, ScheduleKey
from bgen_core.sweep.events import Canvas, PaintCell
from bgen_core.sweep.params import InpaintParams


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


class UNetDenoiser:
    """See `Denoiser`; photos are encoded by the mode of the latent distribution, so that no noise enters there.

    Parameters
    ----------
    pipeline
        A loaded StableDiffusionInpaintPipeline or StableDiffusionXLInpaintPipeline.
    """

    has_quantum = True

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._is_xl = hasattr(pipeline, "text_encoder_2")
        self._sees_mask = pipeline.unet.config.in_channels == 9
        self._prompts: Recent[EncodedPrompt] = Recent(KEPT_PROMPTS)
        self._canvases: Recent[EncodedCanvas] = Recent(KEPT_PROMPTS)
        self._photos: Recent[torch.Tensor] = Recent(KEPT_PROMPTS)
        self.device = pipeline._execution_device  # where parts come that wait elsewhere
        self._readers = readers_of(pipeline, self.device)
        # On a CPU bits follow from the layout; a GPU takes the one that it is faster with.
        layouts = LAYOUTS if self.device.type == "cuda" else (LAYOUTS[0],)
        self.network = Network(lambda: pipeline.unet, layouts=layouts)
        self.network.lay_out("channels_last")
        pipeline.vae.to(memory_format=torch.channels_last)

    @property
    def multiple(self) -> int:
        return self._pipeline.vae_scale_factor

    def texts(self, params: InpaintParams) -> Sequence[tuple[str, bool]]:
        prompt = (params.prompt, False)
        return (prompt, (params.negative_prompt, True)) if params.uses_guidance else (prompt,)

    def evaluations(self, params: InpaintParams) -> int:
        return params.effective_steps * get_scheduler(params.scheduler).order

    def schedule(self, params: InpaintParams, extent: Extent) -> Schedule:
        del extent
        return DiffusionSchedule(ScheduleKey.of(params), self._pipeline.scheduler, str(self.device))

    def guidance_input(self, params: InpaintParams) -> float:
        del params
        return 0.0

    def painted_extent(self, cell: PaintCell) -> Extent:
        return cell.canvas.extent

    def encode_prompt(self, text: str, cell: PaintCell, *, negative: bool) -> EncodedPrompt:
        params = cell.params
        empties = negative and not text and self._is_xl and self._pipeline.config.force_zeros_for_empty_prompt
        as_a1111 = params.prompt_syntax == "a1111"
        # diffusers leaves the negative prompt's layers alone, A1111 does not.
        clip_skip = params.clip_skip if as_a1111 or not negative else 0
        key = (text, bool(empties), clip_skip, as_a1111)
        return self._prompts.get(key, lambda: self._encode_prompt(*key))

    def forget_prompts(self) -> None:
        self._prompts = Recent(KEPT_PROMPTS)

    def _encode_prompt(self, text: str, empties: bool, clip_skip: int, as_a1111: bool) -> EncodedPrompt:
        embeds, pooled = self._read(text, clip_skip, as_a1111)
        if empties:
            embeds, pooled = torch.zeros_like(embeds), torch.zeros_like(pooled)
        return EncodedPrompt(key=(text, empties, clip_skip, as_a1111), embeds=embeds, pooled=pooled)

    def _read(self, text: str, clip_skip: int, as_a1111: bool) -> tuple[torch.Tensor, Any]:
        pipeline = self._pipeline
        if as_a1111:
            return read_weighted(self._readers, text, clip_skip)
        if self._is_xl:
            embeds, _, pooled, _ = pipeline.encode_prompt(
                prompt=text, device=self.device, num_images_per_prompt=1, do_classifier_free_guidance=False,
                clip_skip=clip_skip or None,
            )  # fmt: skip
            return embeds, pooled
        if clip_skip:
            return read_without_layers(self._readers[0], text, clip_skip), None
        return pipeline.encode_prompt(text, self.device, 1, False)[0], None

    def start(self, cell: PaintCell, schedule: Schedule, generator: torch.Generator) -> Start:
        channels, dtype = self._pipeline.vae.config.latent_channels, self._pipeline.unet.dtype
        noise = draw_noise(cell, channels, self.multiple, generator, self.device, dtype)
        is_tile = cell.window is not None  # seen once, and kept by nobody: hundreds of them are a photo's memory
        canvas = self._encode_canvas(cell.canvas) if is_tile else self.encode_canvas(cell.canvas)
        needs_photo = not (self._sees_mask and schedule.starts_from_noise)
        encode = self._encode_photo if is_tile else self.encode_photo
        photo = encode(cell.canvas) if needs_photo else None
        seen = torch.cat([canvas.mask, canvas.masked_image_latents], dim=1) if self._sees_mask else None
        return Start(
            latents=schedule.start(noise, photo),
            noise=noise,
            condition=seen,
            photo=None if self._sees_mask else photo,
            mask=None if self._sees_mask else canvas.mask,
            canvas_key=cell.canvas,
        )

    def encode_canvas(self, canvas: Canvas) -> EncodedCanvas:
        return self._canvases.get(encoding_key(self._pipeline, canvas), lambda: self._encode_canvas(canvas))

    def _encode_canvas(self, canvas: Canvas) -> EncodedCanvas:
        unet = self._pipeline.unet
        mask = latent_mask(canvas, latent_extent(canvas.extent, self.multiple))
        return EncodedCanvas(
            mask=mask.to(self.device, unet.dtype),
            masked_image_latents=self._encode(_to_tensor(canvas) * (repaint_tensor(canvas) < 0.5)),
        )

    def encode_photo(self, canvas: Canvas) -> torch.Tensor:
        """Latents of the whole photo: where the painting starts from it, or the kept region is put back."""
        return self._photos.get(encoding_key(self._pipeline, canvas), lambda: self._encode_photo(canvas))

    def _encode_photo(self, canvas: Canvas) -> torch.Tensor:
        return self._encode(_to_tensor(canvas))

    def _encode(self, image: torch.Tensor) -> torch.Tensor:
        return self.encode_colours(image).to(self.device, self._pipeline.unet.dtype)

    def encode_colours(self, image: torch.Tensor) -> torch.Tensor:
        vae = self._pipeline.vae
        encoded = vae.encode(image.to(self.device, vae.dtype))
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        return latents * vae.config.scaling_factor

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        latents = torch.stack([row.latents for row in rows])
        seen = [row.condition for row in rows if row.condition is not None]
        if seen:
            latents = torch.cat([latents, torch.cat(seen)], dim=1)
        added = self._added_conditions([row.prompt for row in rows], extent)
        references = [row.reference for row in rows if row.reference is not None]
        if references:
            added = (added or {}) | {"image_embeds": [torch.cat(references)]}
        return self.network(
            laid_out(latents, self.network.layout or "channels_last"),
            torch.stack([row.timestep for row in rows]),
            encoder_hidden_states=torch.cat([row.prompt.embeds for row in rows]),
            added_cond_kwargs=added,
            return_dict=False,
        )[0]

    def _added_conditions(self, prompts: list[EncodedPrompt], extent: Extent) -> dict[str, Any] | None:
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

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(predictions) == 1:
            return predictions[0]
        conditional, unconditional = predictions
        return unconditional + params.guidance_scale * (conditional - unconditional)

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        del extent
        vae = self._pipeline.vae
        scaled = latents.to(vae.dtype)
        mean, deviation = getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None)
        if mean is not None and deviation is not None:
            mean = torch.tensor(mean).view(1, -1, 1, 1).to(scaled)
            deviation = torch.tensor(deviation).view(1, -1, 1, 1).to(scaled)
            scaled = scaled * deviation / vae.config.scaling_factor + mean
        else:
            scaled = scaled / vae.config.scaling_factor
        return vae.decode(scaled.contiguous(memory_format=torch.channels_last), return_dict=False)[0]

    def as_image(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        del extent
        return latents


def _to_tensor(canvas: Canvas) -> torch.Tensor:
    """The photo as the VAE takes it: 1 × 3 × H × W in [-1, 1]."""
    return torch.as_tensor(canvas.init_image.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
