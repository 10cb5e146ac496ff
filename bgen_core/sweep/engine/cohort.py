# pyright: reportUnknownVariableType=false
"""A cohort: cells that entered together with the same schedule, and advance in lockstep."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bgen_core.sweep.engine.conditioning import Conditioning, EncodedCanvas
from bgen_core.sweep.engine.rows import UNetRow
from bgen_core.sweep.engine.schedule import Schedule
from bgen_core.sweep.events import PaintCell


@dataclass(kw_only=True, eq=False)
class Cohort:
    """State of the cells between two evaluations.

    Attributes
    ----------
    cells
        Cells of one schedule.
    schedule
        Their scheduler object, at evaluation `index`.
    latents, noise
        cells × channels × h × w: where they are, and the noise they came from.
    generators
        One per cell, seeded with its seed; the noise was its first draw.
    photos
        The photos' latents, where the UNet does not see the mask and the kept region is put back after each step.
    """

    cells: Sequence[PaintCell]
    schedule: Schedule
    conditioning: Conditioning
    canvases: list[EncodedCanvas]
    latents: torch.Tensor
    noise: torch.Tensor
    generators: list[torch.Generator]
    photos: torch.Tensor | None
    index: int = 0

    @property
    def is_done(self) -> bool:
        return self.index >= len(self.schedule)

    def rows(self) -> list[UNetRow]:
        """The evaluations needed now: per cell one with the prompt and, with guidance, one with the negative."""
        scaled = self.schedule.scale(self.latents, self.index)
        timestep = self.schedule.timesteps[self.index]
        rows: list[UNetRow] = []
        for place, cell in enumerate(self.cells):
            texts = [(cell.params.prompt, False)]
            if cell.params.uses_guidance:
                texts.append((cell.params.negative_prompt, True))
            for text, negative in texts:
                prompt = self.conditioning.encode_prompt(text, negative=negative)
                rows.append(
                    UNetRow(
                        latents=scaled[place],
                        timestep=timestep,
                        prompt=prompt,
                        canvas=self.canvases[place],
                        share=self._share(place, prompt.key, timestep),
                    )
                )
        return rows

    def _share(self, place: int, prompt_key: tuple[str, bool], timestep: torch.Tensor) -> tuple[object, ...] | None:
        """Key of a first evaluation from pure noise: same seed, scale, time, prompt and canvas, same input."""
        if self.index > 0 or not self.schedule.starts_from_noise:
            return None
        cell = self.cells[place]
        scale = self.schedule.first_input_scale()
        return (cell.params.seed, scale, float(timestep), prompt_key, self.canvases[place])

    def advance(self, predictions: list[torch.Tensor]) -> None:
        """Apply guidance, the scheduler's step and, for four-channel UNets, the kept region's latents."""
        remaining = iter(predictions)
        guided: list[torch.Tensor] = []
        for cell in self.cells:
            conditional = next(remaining)
            if cell.params.uses_guidance:
                unconditional = next(remaining)
                conditional = unconditional + cell.params.guidance_scale * (conditional - unconditional)
            guided.append(conditional)
        dtype = self.latents.dtype
        self.latents = self.schedule.step(torch.stack(guided), self.latents, self.index, self.generators).to(dtype)
        if self.photos is not None:
            masks = torch.cat([canvas.mask for canvas in self.canvases])
            kept = self.schedule.noised_image(self.photos, self.noise, self.index)
            self.latents = (1 - masks) * kept + masks * self.latents
        self.index += 1


def start_cohort(
    cells: Sequence[PaintCell], schedule: Schedule, conditioning: Conditioning, *, shape: tuple[int, int, int],
    device: torch.device, dtype: torch.dtype, blends: bool,
) -> Cohort:  # fmt: skip
    """Draw each cell's noise from its own CPU generator and set the first latents.

    Parameters
    ----------
    shape
        channels, height, width of the latents.
    blends
        Whether the UNet does not see the mask, so that the kept region is put back after each step.
    """
    from diffusers.utils.torch_utils import randn_tensor

    generators = [torch.Generator("cpu").manual_seed(cell.params.seed) for cell in cells]
    noise = torch.cat([randn_tensor((1, *shape), generator=g, device=device, dtype=dtype) for g in generators])
    canvases = [conditioning.encode_canvas(cell.canvas) for cell in cells]
    needs_photos = blends or not schedule.starts_from_noise
    photos = torch.cat([conditioning.encode_photo(cell.canvas) for cell in cells]) if needs_photos else None
    return Cohort(
        cells=cells,
        schedule=schedule,
        conditioning=conditioning,
        canvases=canvases,
        latents=schedule.start(noise, photos),
        noise=noise,
        generators=generators,
        photos=photos if blends else None,
    )
