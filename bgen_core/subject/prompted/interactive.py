# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The object at a click by MediaPipe's interactive segmenter, where its model file is on this machine.

It takes lines and not boxes: a box is handed on as a line across its middle, and what lies outside of it is left out.
"""

import atexit
import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.native import import_native, only_what_is_needed, raise_if_library_missing
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.segmentation import working_picture

logger = logging.getLogger(__name__)

_SIDE = 1024
_LINE = 0.25  # of a box: how far the line across its middle reaches to both sides
_UNUSABLE = "The model file BGEN_PROMPTED_MODEL cannot be used: name another one, or none for GrabCut."


class InteractiveSegmenter:
    """A `PromptedSegmenter` of mediapipe 1.2.2's tasks; opened for each call, since an error breaks one for good."""

    name = "MediaPipe"

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = threading.Lock()
        self._task: Any = None
        atexit.register(self._close)

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        extent = Extent.of(image)
        small = np.ascontiguousarray(working_picture(image, _SIDE))
        shares = [(x / extent.width, y / extent.height) for x, y in _line(prompt)]
        with self._turn:
            try:
                found = self._run(small, shares)
            except Exception as error:  # the library's own code, on a file that nobody here has seen
                raise_if_library_missing(error)
                logger.warning("the prompted model cannot be used", exc_info=True)
                raise UserInputError(_UNUSABLE) from error
            finally:
                self._close()
        if not prompt.is_box:
            return found
        size = Extent.of(found)
        box, scale = prompt.box(extent), size.width / extent.width
        inside = np.zeros_like(found)
        rows = slice(round(box.top * scale), round(box.bottom * scale))
        columns = slice(round(box.left * scale), round(box.right * scale))
        inside[rows, columns] = found[rows, columns]
        return inside

    def _run(self, small: np.ndarray, shares: list[tuple[float, float]]) -> np.ndarray:
        with only_what_is_needed():
            tasks = import_native("mediapipe.tasks.python")
            parts = import_native("mediapipe.tasks.python.vision.interactive_segmenter")
        mediapipe = import_native("mediapipe")
        options = parts.InteractiveSegmenterOptions(base_options=tasks.BaseOptions(model_asset_path=str(self._file)))
        self._task = parts.InteractiveSegmenter.create_from_options(options)
        self._task.set_image(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=small))
        points = [parts.StrokePoint(x=x, y=y) for x, y in shares]
        stroke = parts.Stroke(brush_mode=parts.BrushMode.POSITIVE, points=points, is_completed=True)
        mask = self._task.segment([stroke])
        seen = np.array(mask.numpy_view(), dtype=np.float32)  # a copy: the view dies with the mask
        del mask
        seen = seen[..., 0] if seen.ndim == 3 else seen
        return np.clip(seen / 255 if seen.max(initial=0) > 1 else seen, 0, 1)

    def _close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            with suppress(Exception):
                task.close()
            task._handle = None  # otherwise its __del__ closes a second time, from the garbage collector


def _line(prompt: Prompt) -> list[tuple[float, float]]:
    if not prompt.is_box:
        return list(prompt.points)
    (x, y), reach = prompt.middle(), _LINE * abs(prompt.points[0][0] - prompt.points[1][0])
    return [(x - reach, y), (x, y), (x + reach, y)]
