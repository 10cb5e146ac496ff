"""Which inpainter paints with which pipeline."""

from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import ModelSource
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Inpainter
from bgen_core.sweep.tuning import tuning_name

BATCHED_PIPELINES = ("StableDiffusionInpaintPipeline", "StableDiffusionXLInpaintPipeline")


def load_inpainter(source: ModelSource, device: Device, *, tuning_folder: Path | None) -> tuple[Inpainter, int]:
    """Load a model and choose the inpainter for its family.

    Parameters
    ----------
    tuning_folder
        Where measured batch sizes are kept; None measures anew.

    Returns
    -------
    tuple
        The inpainter, and what the sides of its canvases must divide by.

    Raises
    ------
    ModelLoadError
        The model cannot be loaded, or belongs to a family that no inpainter knows.
    """
    pipeline: Any = load_pipeline(source, device)
    family = type(pipeline).__name__
    if family not in BATCHED_PIPELINES:
        raise ModelLoadError(
            f"model {source.name!r} is a {family}: this version paints with Stable Diffusion 1.x, 2.x and XL models."
        )
    tuning = tuning_folder / tuning_name(source.revision, device.kind) if tuning_folder else None
    return BatchedInpainter(pipeline, tuning_folder=tuning), pipeline.vae_scale_factor
