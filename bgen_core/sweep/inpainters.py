"""Which inpainter paints with which pipeline."""

from pathlib import Path
from typing import Any

from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import ModelSource
from bgen_core.sweep.canvas import VAE_FACTOR
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Inpainter
from bgen_core.sweep.pipeline_call import PipelineInpainter
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
        The model cannot be loaded.
    """
    pipeline: Any = load_pipeline(source, device)
    if not _is_batchable(pipeline):
        return PipelineInpainter(pipeline), getattr(pipeline, "vae_scale_factor", VAE_FACTOR) * 2
    tuning = tuning_folder / tuning_name(source.revision, device.kind) if tuning_folder else None
    return BatchedInpainter(pipeline, tuning_folder=tuning), pipeline.vae_scale_factor


def _is_batchable(pipeline: Any) -> bool:
    """Whether the engine's loop is this pipeline's own, evaluation by evaluation."""
    if type(pipeline).__name__ not in BATCHED_PIPELINES:
        return False
    unet, vae = pipeline.unet, pipeline.vae
    takes_guidance_as_input = unet.config.time_cond_proj_dim is not None
    is_refiner = bool(pipeline.config.get("requires_aesthetics_score", False))
    decodes_with_the_photo = type(vae).__name__ == "AsymmetricAutoencoderKL"
    return unet.config.in_channels in (4, 9) and not (takes_guidance_as_input or decodes_with_the_photo or is_refiner)
