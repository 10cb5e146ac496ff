"""What puts a background behind the subject without a diffusion model, behind the same events as those that paint."""

import logging
import time
from collections.abc import Generator, Iterable

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.backgrounds.colour_text import Gradient, read_gradient
from bgen_core.models.families import Backdrop
from bgen_core.subject.pasting.backdrops import blurred_photo, colour_backdrop, fitted_picture
from bgen_core.sweep.cell_faults import NO_MEMORY
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started

logger = logging.getLogger(__name__)

STAGE = "background"  # in a run's seconds, where others have "denoise"
_WHITE = Gradient(colours=((255, 255, 255),))


class BackdropInpainter:
    """Inpainter without a model: a cell after another, at the photo's own size.

    Parameters
    ----------
    backdrop
        What it puts behind the subject.
    """

    def __init__(self, backdrop: Backdrop) -> None:
        self._backdrop: Backdrop = backdrop

    def tune(self, extent: Extent) -> None:
        """There is nothing to measure."""
        del extent

    def is_tuned(self, extent: Extent) -> bool:
        """It always is."""
        del extent
        return True

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """Make the backgrounds; see `Inpainter.paint`. A canvas is the whole photo here, and its mask says how much of
        the background is in each pixel.
        """
        for cell in cells:
            if cell is None or not cell.is_wanted():
                continue
            yield Started(cell=cell)
            began = time.perf_counter()
            try:
                image = self._background(cell)
            except UserInputError as error:
                yield Failed(index=cell.index, reason=str(error))
            except MemoryError:
                logger.warning("too little memory for the background of cell %d", cell.index, exc_info=True)
                yield Failed(index=cell.index, reason=NO_MEMORY)
            else:
                yield Finished(cell=cell, image=image, seconds={STAGE: time.perf_counter() - began})

    def _background(self, cell: PaintCell) -> np.ndarray:
        params, canvas = cell.params, cell.canvas
        if self._backdrop == "colour":
            return colour_backdrop(read_gradient(params.background_colour), canvas.extent)
        if self._backdrop == "blur":
            return blurred_photo(canvas.init_image, canvas.mask_image, params.background_blur)
        if self._backdrop == "nothing":
            return colour_backdrop(_WHITE, canvas.extent)
        if cell.shown is None:
            raise UserInputError("own-picture needs a picture: give one in background.")
        return fitted_picture(cell.shown, canvas.extent)
