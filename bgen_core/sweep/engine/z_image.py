"""Z-Image and Z-Image Turbo."""

from collections.abc import Sequence

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.denoiser import EncodedPrompt, Row
from bgen_core.sweep.engine.flow import FlowDenoiser
from bgen_core.sweep.params import InpaintParams


class ZImageDenoiser(FlowDenoiser):
    """Follows ZImageInpaintPipeline.__call__ of diffusers 0.42.1: latents are float32 from the first step on."""

    def _encode_prompt(self, text: str) -> EncodedPrompt:
        (embeds,), _ = self._pipeline.encode_prompt(
            prompt=text, device=self.device, do_classifier_free_guidance=False, max_sequence_length=512
        )
        return EncodedPrompt(key=text, embeds=embeds[None])

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        del extent
        texts = [row.prompt.embeds[0] for row in rows]
        latents = [row.latents.to(self._dtype)[:, None] for row in rows]
        times = [(1000 - row.timestep) / 1000 for row in rows]
        if not any(map(len, texts)):  # it takes a text without tokens only beside another
            texts.append(texts[0].new_zeros(1, texts[0].shape[1]))
            latents.append(latents[0])
            times.append(times[0])
        answers = self.network(latents, torch.stack(times), texts, return_dict=False)[0][: len(rows)]
        # The transformer points the other way.
        return -torch.stack([answer[:, 0].float() for answer in answers])

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(predictions) == 1:
            return predictions[0]
        wanted, unwanted = predictions
        return wanted + params.guidance_scale * (wanted - unwanted)
