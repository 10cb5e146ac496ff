"""Which denoiser a pipeline has."""

from typing import Any

from bgen_core.models.family_table import family_of
from bgen_core.sweep.engine.denoiser import Denoiser
from bgen_core.sweep.engine.flow import fits
from bgen_core.sweep.engine.flux import FluxDenoiser, FluxFillDenoiser, FluxKontextDenoiser
from bgen_core.sweep.engine.klein import KleinDenoiser
from bgen_core.sweep.engine.qwen_image import QwenImageDenoiser, QwenImageEditDenoiser
from bgen_core.sweep.engine.sd3 import SD3Denoiser
from bgen_core.sweep.engine.unet import UNetDenoiser
from bgen_core.sweep.engine.z_image import ZImageDenoiser

_FLOWS = {
    "StableDiffusion3InpaintPipeline": SD3Denoiser,
    "FluxInpaintPipeline": FluxDenoiser,
    "FluxFillPipeline": FluxFillDenoiser,
    "FluxKontextInpaintPipeline": FluxKontextDenoiser,
    "Flux2KleinInpaintPipeline": KleinDenoiser,
    "QwenImageInpaintPipeline": QwenImageDenoiser,
    "QwenImageEditInpaintPipeline": QwenImageEditDenoiser,
    "ZImageInpaintPipeline": ZImageDenoiser,
}


def make_denoiser(pipeline: Any) -> Denoiser | None:
    """The engine's way to a loaded pipeline; None where only its own call will do."""
    family, name = family_of(pipeline), type(pipeline).__name__
    if family is None or family.engine is None:
        return None
    if family.engine == "unet":
        return UNetDenoiser(pipeline)
    if name not in _FLOWS or not fits(pipeline):
        return None
    if _FLOWS[name] is SD3Denoiser and pipeline.transformer.config.in_channels != 16:
        return None  # one that sees the mask
    return _FLOWS[name](pipeline, family)


def can_batch(pipeline: Any) -> bool:
    """Whether the engine paints with a loaded pipeline."""
    return make_denoiser(pipeline) is not None
