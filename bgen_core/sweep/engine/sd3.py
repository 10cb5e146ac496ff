"""Stable Diffusion 3 and 3.5."""

from collections.abc import Sequence

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row
from bgen_core.sweep.engine.flow import FlowDenoiser
from bgen_core.sweep.engine.schedule import FlowSchedule, Schedule, ScheduleKey
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.params import InpaintParams


class SD3Denoiser(FlowDenoiser):
    """Follows StableDiffusion3InpaintPipeline.__call__ of diffusers 0.42.1, for transformers of 16 channels."""

    def schedule(self, params: InpaintParams, extent: Extent) -> Schedule:
        moves = self._pipeline.scheduler.config.get("use_dynamic_shifting", None)
        schedule = FlowSchedule(
            ScheduleKey.of(params),
            self._pipeline.scheduler,
            str(self.device),
            sigmas=None,
            mu=self._mu(extent, params, max_shift=1.16) if moves else None,
        )
        schedule.starts_from_noise = schedule.starts_from_noise or params.strength == 1.0
        return schedule

    def encode_prompt(self, text: str, cell: PaintCell, *, negative: bool) -> EncodedPrompt:
        skip = 0 if negative else cell.params.clip_skip  # its pipeline leaves the negative prompt's layers alone
        return self._prompts.get((text, skip), lambda: self._encode_prompt(text, skip))

    def _encode_prompt(self, text: str, clip_skip: int = 0) -> EncodedPrompt:
        embeds, _, pooled, _ = self._pipeline.encode_prompt(
            prompt=text, prompt_2=None, prompt_3=None, device=self.device, do_classifier_free_guidance=False,
            clip_skip=clip_skip,
        )  # fmt: skip
        return EncodedPrompt(key=(text, clip_skip), embeds=embeds, pooled=pooled)

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        del extent
        return self.network(
            hidden_states=torch.stack([row.latents for row in rows]),
            timestep=torch.stack([row.timestep for row in rows]),
            encoder_hidden_states=torch.cat([row.prompt.embeds for row in rows]),
            pooled_projections=torch.cat([row.prompt.pooled for row in rows if row.prompt.pooled is not None]),
            return_dict=False,
        )[0]

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        """Without the shift that every other of these pipelines adds: its inpainting call leaves it out."""
        del extent
        vae = self._pipeline.vae
        return vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0]
