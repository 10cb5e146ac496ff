"""Which inpainter paints with which pipeline."""

from collections.abc import Callable
from typing import Any

from bgen_core.models.compilers import Compiling
from bgen_core.models.devices import Device
from bgen_core.models.families import configs_of_pipeline, pixels_per_latent
from bgen_core.models.family_table import family_of
from bgen_core.models.loading import load_pipeline
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import Placement
from bgen_core.sweep.engine import BatchedInpainter, can_batch
from bgen_core.sweep.events import Inpainter
from bgen_core.sweep.pipeline_call import PipelineInpainter
from bgen_core.sweep.safety import SafetyChecked
from bgen_core.sweep.tuning import TuningPlace, tuning_name


def load_inpainter(
    source: ModelSource,
    device: Device,
    *,
    tunings: Callable[[str, str], TuningPlace] | None,
    checks_safety: bool = False,
    placement: Placement | None = None,
    compiling: Compiling | None = None,
    on_compile_fault: Callable[[str], None] | None = None,
    is_watched: Callable[[], bool] = lambda: True,
) -> tuple[Inpainter, int]:
    """Load a model and choose the inpainter for its family.

    Parameters
    ----------
    tunings
        Where measured batch sizes are kept, by a name (see `tuning_name`) and the device's; None measures anew.
    checks_safety
        Whether the safety checker that a checkpoint brings looks at each picture.
    placement
        Where its parts lie; None chooses by the device's memory.
    compiling
        Whether its network is compiled while it paints; None leaves it as it is.
    on_compile_fault
        Is told in a sentence why nothing is compiled any more.
    is_watched
        Whether somebody looks at previews.

    Returns
    -------
    tuple
        The inpainter, and what the sides of its canvases must divide by.

    Raises
    ------
    ModelLoadError
        The model cannot be loaded.
    """
    pipeline: Any = load_pipeline(source, device, with_safety_checker=checks_safety, placement=placement)
    checker = getattr(pipeline, "safety_checker", None)
    if checker is not None:
        pipeline.safety_checker = None  # its own call would make the picture black
    inpainter, multiple = _choose(pipeline, source, device, tunings, is_watched)
    if compiling is not None and compiling.wanted and isinstance(inpainter, BatchedInpainter):
        inpainter.denoiser.network.compile(insists=compiling.insists, on_fault=on_compile_fault)
    if checker is not None:
        inpainter = SafetyChecked(inpainter, checker, pipeline.feature_extractor)
    return inpainter, multiple


def _choose(
    pipeline: Any,
    source: ModelSource,
    device: Device,
    tunings: Callable[[str, str], TuningPlace] | None,
    is_watched: Callable[[], bool],
) -> tuple[Inpainter, int]:
    if not can_batch(pipeline):
        family, factor = family_of(pipeline), pixels_per_latent(configs_of_pipeline(pipeline))
        return PipelineInpainter(pipeline), family.multiple(factor) if family else 2 * factor
    name = tuning_name(source.revision, device.kind, device.dtype_name)
    place = tunings(name, device.name) if tunings else None
    inpainter = BatchedInpainter(pipeline, tuning_place=place, is_watched=is_watched)
    return inpainter, inpainter.multiple
