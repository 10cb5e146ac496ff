"""Rows: the single evaluations that cells need, gathered into one UNet call."""

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bgen_core.errors import OutOfMemoryError
from bgen_core.extent import Extent
from bgen_core.sweep.engine.conditioning import Conditioning, EncodedCanvas, EncodedPrompt

logger = logging.getLogger(__name__)

KEPT_PREDICTIONS = 512  # shared first evaluations held at once: 8 MB for the demo model, 32 MB for SD 1.5


@dataclass(frozen=True, kw_only=True, eq=False)
class UNetRow:
    """One evaluation of the UNet.

    Attributes
    ----------
    latents
        channels × h × w, already scaled for the timestep.
    timestep
        0-dimensional, as the scheduler gives it.
    prompt, canvas
        What it is conditioned on.
    share
        Rows with equal shares have equal inputs and are computed once; None shares with nobody.
    """

    latents: torch.Tensor
    timestep: torch.Tensor
    prompt: EncodedPrompt
    canvas: EncodedCanvas
    share: Hashable | None


class RowEvaluator:
    """Evaluates rows in batches of a fixed quantum, each distinct row once.

    Parameters
    ----------
    unet, conditioning, extent
        The model, its conditions, and the picture's size.
    batch_size
        Most rows of one call. Halved, for good, when the device runs out of memory.
    quantum
        Calls are filled up to a multiple of it: where a row's result depends on the batch's size in the last bits,
        it does not between multiples of the quantum (see `batch_size.py`), so a cell's pixels depend on it alone.
    """

    def __init__(self, unet: Any, conditioning: Conditioning, *, extent: Extent, batch_size: int, quantum: int) -> None:
        self._unet = unet
        self._conditioning = conditioning
        self._extent = extent
        self._quantum = quantum
        self.batch_size = max(batch_size, quantum)
        self.rows_computed = 0
        self._shared: OrderedDict[Hashable, torch.Tensor] = OrderedDict()

    def evaluate(self, rows: Sequence[UNetRow]) -> list[torch.Tensor]:
        """The UNet's prediction for each row, channels × h × w."""
        wanted: dict[Hashable, UNetRow] = {}
        for place, row in enumerate(rows):
            if row.share is None:
                wanted[place] = row
            elif row.share not in self._shared:
                wanted.setdefault(row.share, row)
        fresh = dict(zip(wanted, self._evaluate_distinct(list(wanted.values())), strict=True))
        results = [
            fresh[place] if row.share is None else fresh[row.share] if row.share in fresh else self._shared[row.share]
            for place, row in enumerate(rows)
        ]
        for key, prediction in fresh.items():
            if wanted[key].share is not None:
                self._shared[key] = prediction
        while len(self._shared) > KEPT_PREDICTIONS:
            self._shared.popitem(last=False)
        return results

    def _evaluate_distinct(self, rows: list[UNetRow]) -> list[torch.Tensor]:
        predictions: list[torch.Tensor] = []
        while len(predictions) < len(rows):
            batch = rows[len(predictions) : len(predictions) + self.batch_size]
            try:
                predictions.extend(self._call_unet(batch).unbind())
            except torch.OutOfMemoryError as error:
                if self.batch_size == 1:
                    raise OutOfMemoryError(
                        f"{self._extent} pixels do not fit into the device's memory even one at a time: "
                        "choose a smaller model, or free the device's memory."
                    ) from error
                self.batch_size //= 2
                self._quantum = min(self._quantum, self.batch_size)
                torch.cuda.empty_cache()
                logger.warning("out of memory: going on with %d rows at once", self.batch_size)
        self.rows_computed += len(rows)
        return predictions

    def _call_unet(self, rows: list[UNetRow]) -> torch.Tensor:
        padded = rows + [rows[-1]] * (-len(rows) % self._quantum)
        latents = torch.stack([row.latents for row in padded])
        if self._unet.config.in_channels == 9:
            masks = torch.cat([row.canvas.mask for row in padded])
            masked = torch.cat([row.canvas.masked_image_latents for row in padded])
            latents = torch.cat([latents, masks, masked], dim=1)
        return self._unet(
            latents.contiguous(memory_format=torch.channels_last),
            torch.stack([row.timestep for row in padded]),
            encoder_hidden_states=torch.cat([row.prompt.embeds for row in padded]),
            added_cond_kwargs=self._conditioning.added_conditions([row.prompt for row in padded], self._extent),
            return_dict=False,
        )[0][: len(rows)]
