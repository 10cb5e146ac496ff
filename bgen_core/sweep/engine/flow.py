# pyright: reportUnknownVariableType=false
"""What SD 3, Flux, Klein, Qwen-Image and Z-Image share: a transformer, a flow-matching scheduler, a noisy photo."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bgen_core.extent import Extent
from bgen_core.models.families import FLOW_SCHEDULERS, Cfg, Distilled, Family, NeedsSecond
from bgen_core.models.schedulers import get_scheduler
from bgen_core.recent import Recent
from bgen_core.sweep.engine.canvases import draw_noise, latent_extent, latent_mask
from bgen_core.sweep.engine.decoding import encoding_key
from bgen_core.sweep.engine.denoiser import KEPT_PROMPTS, EncodedPrompt, Row, Start
from bgen_core.sweep.engine.network import Network
from bgen_core.sweep.engine.schedule import FlowSchedule, Schedule, ScheduleKey
from bgen_core.sweep.events import Canvas, PaintCell
from bgen_core.sweep.family_rules import effective_steps, reads_negative
from bgen_core.sweep.params import InpaintParams


def fits(pipeline: Any) -> bool:
    """Whether the engine's loop is the pipeline's own: saved with a scheduler that it knows and that draws no noise."""
    scheduler = pipeline.scheduler
    return type(scheduler).__name__ in FLOW_SCHEDULERS and not scheduler.config.get("stochastic_sampling", False)


class FlowDenoiser(ABC):
    """See `Denoiser`. Draws from the cell's generator as the pipeline's own call does: first the photo's latents, from
    the distribution that the autoencoder gives, then the noise.

    Parameters
    ----------
    pipeline
        A loaded inpainting pipeline that `fits`.
    family
        Its row of the table.
    """

    # Texts of several lengths share a call, so that no size of a batch keeps every bit.
    has_quantum = False

    def __init__(self, pipeline: Any, family: Family) -> None:
        self._pipeline = pipeline
        self.network = Network(lambda: pipeline.transformer)
        self._family = family
        self.device = pipeline._execution_device  # where parts come that wait elsewhere
        self._prompts: Recent[EncodedPrompt] = Recent(KEPT_PROMPTS)
        self._photos: Recent[Any] = Recent(KEPT_PROMPTS)

    @property
    def multiple(self) -> int:
        return self._family.multiple(self._factor)

    @property
    def _dtype(self) -> torch.dtype:
        return self._pipeline.transformer.dtype

    @property
    def _factor(self) -> int:
        """Pixels per latent."""
        return self._pipeline.vae_scale_factor

    @property
    def _channels(self) -> int:
        return self._pipeline.vae.config.latent_channels

    def texts(self, params: InpaintParams) -> Sequence[tuple[str, bool]]:
        guidance, prompt = self._family.guidance, (params.prompt, False)
        blank = guidance.blank if isinstance(guidance, Cfg) else None
        negative = (params.negative_prompt or blank or "", True)
        return (prompt, negative) if reads_negative(self._family, params) else (prompt,)

    def evaluations(self, params: InpaintParams) -> int:
        chosen = self._pipeline.scheduler if params.scheduler == "default" else get_scheduler(params.scheduler)
        return effective_steps(self._family, params) * chosen.order

    def schedule(self, params: InpaintParams, extent: Extent) -> Schedule:
        steps = params.num_inference_steps
        return FlowSchedule(
            ScheduleKey.of(params),
            self._pipeline.scheduler,
            str(self.device),
            sigmas=[float(sigma) for sigma in np.linspace(1.0, 1 / steps, steps)],
            mu=self._mu(extent, params),
        )

    def _mu(self, extent: Extent, params: InpaintParams, *, max_shift: float = 1.15) -> float:
        """The shift of the noise levels for pictures of that size: diffusers' `calculate_shift`."""
        from diffusers.pipelines.flux.pipeline_flux import calculate_shift

        del params
        config, latent = self._pipeline.scheduler.config, latent_extent(extent, 2 * self._factor)
        return calculate_shift(
            latent.width * latent.height,
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", max_shift),
        )

    def guidance_input(self, params: InpaintParams) -> float:
        return params.guidance_scale if isinstance(self._family.guidance, Distilled) else 0.0

    def painted_extent(self, cell: PaintCell) -> Extent:
        return cell.canvas.extent

    def encode_prompt(self, text: str, cell: PaintCell, *, negative: bool) -> EncodedPrompt:
        del cell, negative  # a text reads alike on either side
        return self._prompts.get(text, lambda: self._encode_prompt(text))

    def forget_prompts(self) -> None:
        self._prompts = Recent(KEPT_PROMPTS)

    @abstractmethod
    def _encode_prompt(self, text: str) -> EncodedPrompt: ...

    def start(self, cell: PaintCell, schedule: Schedule, generator: torch.Generator) -> Start:
        canvas, latent = cell.canvas, latent_extent(cell.canvas.extent, self._factor)
        # A tile is seen once, and kept by nobody.
        distribution = self._photo(canvas) if cell.window is None else self._encode(to_tensor(canvas))
        photo = self._sample(distribution, generator)
        noise = self._noise(cell, generator)
        mask = self._latent_mask(canvas, latent).to(self.device, self._dtype)
        packed = self._pack(photo)
        condition = self._condition(canvas, packed, generator)
        draw_again(generator, cell)
        start = Start(
            latents=self._pack(schedule.start(noise, photo)),
            noise=self._pack(noise),
            condition=condition,
            photo=packed,
            mask=self._pack(mask.repeat(1, self._channels, 1, 1)),
            canvas_key=canvas,
        )
        if not cell.params.edits_whole:
            return start
        return replace(start, latents=start.noise, photo=None, mask=None)  # without a mask nothing is put back

    def _noise(self, cell: PaintCell, generator: torch.Generator) -> torch.Tensor:
        return draw_noise(cell, self._channels, self._factor, generator, self.device, self._dtype)

    def _latent_mask(self, canvas: Canvas, latent: Extent) -> torch.Tensor:
        return latent_mask(canvas, latent)

    def _condition(self, canvas: Canvas, photo: torch.Tensor, generator: torch.Generator) -> torch.Tensor | None:
        """What the network sees beside the latents."""
        del canvas, photo, generator
        return None

    def _photo(self, canvas: Canvas) -> Any:
        """The autoencoder's answer to the photo: a distribution of latents."""
        return self._photos.get(encoding_key(self._pipeline, canvas), lambda: self._encode(to_tensor(canvas)))

    def _encode(self, image: torch.Tensor) -> Any:
        vae = self._pipeline.vae
        return vae.encode(image.to(self.device, vae.dtype)).latent_dist

    def _sample(self, distribution: Any, generator: torch.Generator) -> torch.Tensor:
        return self._scale(distribution.sample(generator)).to(self.device, self._dtype)

    def _scale(self, latents: torch.Tensor) -> torch.Tensor:
        """From the autoencoder's latents to the transformer's."""
        config = self._pipeline.vae.config
        return (latents - config.shift_factor) * config.scaling_factor

    def encode_colours(self, image: torch.Tensor) -> torch.Tensor:
        return self._scale(self._encode(image).mode())

    @abstractmethod
    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        """See `Denoiser.predict`."""

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(predictions) == 1:
            return predictions[0]
        wanted, unwanted = predictions
        return unwanted + self._scale_of_guidance(params) * (wanted - unwanted)

    def _scale_of_guidance(self, params: InpaintParams) -> float:
        negative = self._family.negative
        return negative.value if isinstance(negative, NeedsSecond) else params.guidance_scale

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        vae = self._pipeline.vae
        scaled = self.as_image(latents, extent).to(vae.dtype) / vae.config.scaling_factor
        return vae.decode(scaled + vae.config.shift_factor, return_dict=False)[0]

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        """N × channels × h × w as the transformer takes them: as they are, or two by two latents to a token."""
        return latents

    def as_image(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        del extent
        return latents


class TokenDenoiser(FlowDenoiser):
    """A transformer that takes two by two latents as one token: N × h/2·w/2 × 4·channels."""

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        number, channels, height, width = latents.shape
        split = latents.view(number, channels, height // 2, 2, width // 2, 2)
        return split.permute(0, 2, 4, 1, 3, 5).reshape(number, height // 2 * (width // 2), channels * 4)

    def as_image(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        latent = latent_extent(extent, self._factor)
        split = latents.view(len(latents), latent.height // 2, latent.width // 2, -1, 2, 2)
        return split.permute(0, 3, 1, 4, 2, 5).reshape(len(latents), -1, latent.height, latent.width)


def draw_again(generator: torch.Generator, cell: PaintCell) -> None:
    """These pipelines hand their scheduler no generator: what it draws is a stream of its own, from the same seed."""
    generator.manual_seed(cell.params.seed)


def to_tensor(canvas: Canvas) -> torch.Tensor:
    """The photo as diffusers' VaeImageProcessor hands it to an autoencoder: 1 × 3 × H × W in [-1, 1]."""
    return torch.as_tensor(2.0 * (canvas.init_image.astype(np.float32) / 255.0) - 1.0).permute(2, 0, 1)[None]
