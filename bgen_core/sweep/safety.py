"""The safety checker that a checkpoint brings, as one more look at each picture before it is kept."""

import logging
from collections.abc import Generator, Iterable
from typing import Any

import torch
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.models.devices import is_lasting_device_fault, is_out_of_memory
from bgen_core.sweep.cell_faults import TOO_LARGE
from bgen_core.sweep.events import Event, Failed, Finished, Inpainter, PaintCell

FLAGGED = (
    "The model's safety checker holds this picture back: try another prompt or seed, "
    "or have whoever runs this server unset BGEN_SAFETY_CHECKER."
)
UNCHECKED = (
    "The model's safety checker failed at this picture, which is not kept without it: worker.log has more; try again, "
    "or have whoever runs this server unset BGEN_SAFETY_CHECKER."
)

logger = logging.getLogger(__name__)


class SafetyChecked:
    """An inpainter whose flagged pictures are failed cells; diffusers would make them black.

    Parameters
    ----------
    inpainter
        Paints; its pipeline checks nothing itself.
    checker, extractor
        A StableDiffusionSafetyChecker and its image processor.
    """

    def __init__(self, inpainter: Inpainter, checker: Any, extractor: Any) -> None:
        self._inpainter = inpainter
        self._checker = checker
        self._extractor = extractor

    @property
    def rows_in_all(self) -> int:
        """See `BatchedInpainter.rows_in_all`."""
        return getattr(self._inpainter, "rows_in_all", 0)

    def tune(self, extent: Extent) -> None:
        """See `Inpainter.tune`."""
        self._inpainter.tune(extent)

    def is_tuned(self, extent: Extent) -> bool:
        """See `Inpainter.is_tuned`."""
        return self._inpainter.is_tuned(extent)

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """See `Inpainter.paint`."""
        for event in self._inpainter.paint(cells):
            yield self._checked(event) if isinstance(event, Finished) else event

    def _checked(self, event: Finished) -> Finished | Failed:
        """The picture, or why it is held back: also where nobody could look at it."""
        try:
            return Failed(index=event.cell.index, reason=FLAGGED) if self._is_flagged(event) else event
        except Exception as error:  # the checkpoint's own code
            if is_lasting_device_fault(error):
                raise
            logger.exception("the safety checker could not look at cell %d", event.cell.index)
            return Failed(index=event.cell.index, reason=TOO_LARGE if is_out_of_memory(error) else UNCHECKED)

    @torch.inference_mode()
    def _is_flagged(self, event: Finished) -> bool:
        seen = self._extractor([Image.fromarray(event.image)], return_tensors="pt").pixel_values
        pictures = [event.image.copy()]  # it blackens what it is given
        _, (flagged,) = self._checker(images=pictures, clip_input=seen.to(self._checker.device, self._checker.dtype))
        return bool(flagged)
