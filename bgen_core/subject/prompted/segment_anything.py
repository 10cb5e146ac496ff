# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The object at a click or in a box by a SAM or SAM 2 of transformers, from a folder.

transformers 5.23's own image processors for SAM 2 need torchvision, which is not installed here: a picture's way in is
a few lines, and they are in this module.
"""

import logging
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.segmentation import reduced, working_picture

logger = logging.getLogger(__name__)

# `model_type` of a configuration -> what it is called
KINDS = {"sam": "SAM", "sam2": "SAM 2", "sam2_video": "SAM 2", "edgetam": "EdgeTAM", "edgetam_video": "EdgeTAM"}
_PADDED = ("sam",)  # see the photo in its own shape, with black beside it; the others see it stretched
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, with which all of them were trained
_UNUSABLE = "The model BGEN_PROMPTED_MODEL cannot be used: name another one, or none for GrabCut."


class SegmentAnything:
    """A `PromptedSegmenter`; on the CPU in float32, one call at a time.

    Parameters
    ----------
    folder
        Of the model: config.json and model.safetensors.
    kind
        One of `KINDS`.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.name = KINDS[kind]
        self._folder = folder
        self._padded = kind in _PADDED
        self._turn = threading.Lock()

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        with self._turn:
            try:
                return self._seen(image, prompt)
            except Exception as error:  # the library's own code, on a checkpoint that nobody here has seen
                logger.warning("the prompted model cannot be used", exc_info=True)
                raise UserInputError(_UNUSABLE) from error

    def _seen(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        import torch

        photo, side = Extent.of(image), self._side
        inner = photo.scaled_to_longest_side(side) if self._padded else Extent(width=side, height=side)
        small = reduced(working_picture(image, side), inner)
        normal = (small.astype(np.float32) / 255 - _numbers(_MEAN)) / _numbers(_DEVIATION)
        pixels = np.zeros((1, 3, side, side), np.float32)
        pixels[0, :, : inner.height, : inner.width] = normal.transpose(2, 0, 1)
        scale = _numbers((inner.width / photo.width, inner.height / photo.height))
        points = torch.from_numpy(_numbers(prompt.points) * scale)
        if prompt.is_box:
            corners = torch.cat([points.min(dim=0).values, points.max(dim=0).values])
            asked: dict[str, Any] = {"input_boxes": corners[None, None]}
        else:
            asked = {"input_points": points[None, None], "input_labels": torch.ones(1, 1, 1, dtype=torch.int64)}
        with torch.inference_mode():
            # A box says what is meant; at a click several masks are possible, of a part and of the whole
            found = self._network(pixel_values=torch.from_numpy(pixels), multimask_output=not prompt.is_box, **asked)
        best = int(found.iou_scores[0, 0].argmax())
        sure = torch.sigmoid(found.pred_masks[0, 0, best].float()).numpy()
        if not np.isfinite(sure).all():
            raise ValueError("the model gives no numbers")
        whole = cv2.resize(sure, (side, side), interpolation=cv2.INTER_LINEAR)[: inner.height, : inner.width]
        return np.where(whole > 0.5, whole, np.float32(0)) if (whole > 0.5).any() else np.zeros_like(whole)

    @property
    def _side(self) -> int:
        config = self._network.config
        size = getattr(config.vision_config, "image_size", None) or config.prompt_encoder_config.image_size
        return int(size[0] if isinstance(size, (list, tuple)) else size)

    @cached_property
    def _network(self) -> Any:
        from bgen_core.models.loading import quiet_libraries

        quiet_libraries()
        from transformers import AutoModelForMaskGeneration

        network = AutoModelForMaskGeneration.from_pretrained(self._folder, local_files_only=True, use_safetensors=True)
        return network.float().eval()


def _numbers(values: Sequence[float] | Sequence[Sequence[float]]) -> np.ndarray:
    return np.array(values, np.float32)
