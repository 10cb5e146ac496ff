"""Rows: the single evaluations that cells need, gathered into one call of the network."""

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Self

import torch

from bgen_core.errors import OutOfMemoryError
from bgen_core.extent import Extent
from bgen_core.models.devices import is_out_of_memory
from bgen_core.sweep.engine.denoiser import Denoiser, Row
from bgen_core.sweep.tuning import BatchTuning

logger = logging.getLogger(__name__)

KEPT_PREDICTIONS = 512  # shared first evaluations held at once: 8 MB for the demo model, 32 MB for SD 1.5


class RowEvaluator:
    """Evaluates rows in batches of a fixed quantum, each distinct row once.

    Parameters
    ----------
    denoiser, extent
        The model, and the pictures' size.
    batch_size
        Most rows of one call. Halved, for good, when the device runs out of memory.
    quantum
        Calls are filled up to a multiple of it: where a row's result depends on the batch's size in the last bits,
        it does not between multiples of the quantum (see `batch_size.py`), so a cell's pixels depend on it alone.
    in_halves
        Whether a call's halves, each a multiple of the quantum, are computed at the same time by two threads: while
        cores that share one half wait for each other, they compute the other. Never where the network is not reentrant.
    """

    def __init__(
        self, denoiser: Denoiser, *, extent: Extent, batch_size: int, quantum: int, in_halves: bool = False
    ) -> None:
        self._denoiser = denoiser
        self._extent = extent
        self._quantum = quantum
        self.in_halves = in_halves and denoiser.network.is_reentrant
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="half")
        self.batch_size: int = max(batch_size, quantum)
        self.rows_computed = 0
        self._shared: OrderedDict[Hashable, torch.Tensor] = OrderedDict()

    @classmethod
    def tuned(cls, denoiser: Denoiser, extent: Extent, tuning: BatchTuning) -> Self:
        """One that calls the network as was measured to be fastest."""
        return cls(
            denoiser,
            extent=extent,
            batch_size=tuning.batch_size,
            quantum=tuning.filled_to,
            in_halves=bool(tuning.in_halves),
        )

    @property
    def batches(self) -> dict[str, str]:
        """Sizes of its calls, as a run records them."""
        quantum = str(self._quantum) if self._quantum > 1 else "none"
        return {"batch_rows": str(self.batch_size), "quantum": quantum}

    def evaluate(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """The network's prediction for each row, in the latents' shape."""
        wanted: dict[Hashable, Row] = {}
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

    def _evaluate_distinct(self, rows: list[Row]) -> list[torch.Tensor]:
        """Rows whose texts differ in length come into calls of their own, unless the family takes them together."""
        alike: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault(row.prompt.embeds.shape[1] if self._denoiser.has_quantum else 0, []).append(place)
        predictions: dict[int, torch.Tensor] = {}
        for places in alike.values():
            predictions |= zip(places, self._evaluate_alike([rows[place] for place in places]), strict=True)
        return [predictions[place] for place in range(len(rows))]

    def _evaluate_alike(self, rows: list[Row]) -> list[torch.Tensor]:
        predictions: list[torch.Tensor] = []
        while len(predictions) < len(rows):
            batch = rows[len(predictions) : len(predictions) + self.batch_size]
            try:
                predictions.extend(self._predict(batch).unbind())
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise OutOfMemoryError(
                        f"{self._extent} pixels do not fit into the device's memory even one at a time: "
                        "choose a smaller side or model, or free its memory."
                    ) from error
                self.batch_size //= 2
                self._quantum = min(self._quantum, self.batch_size)
                torch.cuda.empty_cache()
                logger.warning("out of memory: going on with %d rows at once", self.batch_size)
        self.rows_computed += len(rows)
        return predictions

    def _predict(self, rows: list[Row]) -> torch.Tensor:
        size = self._denoiser.network.filled(len(rows), quantum=self._quantum, most=self.batch_size)
        padded = rows + [rows[-1]] * (size - len(rows))
        middle = -(-size // (2 * self._quantum)) * self._quantum
        if not self.in_halves or middle >= size or self._denoiser.network.is_compiled:
            return self._denoiser.predict(padded, self._extent)[: len(rows)]
        later = self._beside.submit(self._predict_beside, padded[middle:])
        try:
            first = self._denoiser.predict(padded[:middle], self._extent)
        finally:
            wait([later])
        return torch.cat([first, later.result()])[: len(rows)]

    @torch.inference_mode()
    def _predict_beside(self, rows: list[Row]) -> torch.Tensor:
        """In another thread, which does not inherit the mode."""
        return self._denoiser.predict(rows, self._extent)
