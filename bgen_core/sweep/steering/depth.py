# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""How near everything in a photo is, as a depth ControlNet is shown it: white is nearest."""

import logging
from functools import lru_cache
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.models.steering.depth_model import DepthModel
from bgen_core.sweep.events import Canvas

logger = logging.getLogger(__name__)


@lru_cache(maxsize=8)
def nearness(canvas: Canvas, model: DepthModel) -> np.ndarray:
    """uint8, HW: 255 at the nearest point of the photo, 0 at the farthest.

    On the CPU in float32, so that a GPU sees the same picture, and once for each canvas.

    Raises
    ------
    UserInputError
        The model cannot be loaded or used.
    """
    import torch

    try:
        network, processor = _loaded(model)
        extent = canvas.extent
        with torch.inference_mode():
            seen = network(**processor(images=canvas.init_image, return_tensors="pt"))
        found = processor.post_process_depth_estimation(seen, target_sizes=[(extent.height, extent.width)])
        depth: np.ndarray = found[0]["predicted_depth"].float().numpy()
    except Exception as error:  # the library's own code, on a checkpoint that nobody here has seen
        logger.warning("the depth model cannot be used", exc_info=True)
        raise UserInputError(
            "The depth model BGEN_DEPTH_MODEL cannot be used: name another one, or choose another control picture."
        ) from error
    if not np.isfinite(depth).all():
        raise UserInputError("The depth model BGEN_DEPTH_MODEL gives no numbers for this photo: name another one.")
    if _tells_distance(network.config):
        depth = -depth
    span = float(np.ptp(depth))
    near = (depth - depth.min()) / span if span else np.ones_like(depth)
    return np.rint(near * 255).astype(np.uint8)


def _tells_distance(config: Any) -> bool:
    """Whether its numbers grow with the distance, in metres; those of most grow with the nearness."""
    return config.model_type == "zoedepth" or getattr(config, "depth_estimation_type", "relative") == "metric"


@lru_cache(maxsize=1)
def _loaded(model: DepthModel) -> tuple[Any, Any]:
    from bgen_core.models.loading import quiet_libraries

    quiet_libraries()
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    network = AutoModelForDepthEstimation.from_pretrained(model.folder, local_files_only=True, use_safetensors=True)
    processor = AutoImageProcessor.from_pretrained(model.folder, local_files_only=True, backend="pil")
    return network.float().eval(), processor
