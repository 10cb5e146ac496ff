"""From pinned weights to a pipeline that is ready on its device."""

import inspect
import logging
import warnings
from traceback import walk_tb
from typing import Any

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device, is_out_of_memory
from bgen_core.models.families import Family
from bgen_core.models.family_table import family_of
from bgen_core.models.folder_check import count_weights
from bgen_core.models.model_files import fetched
from bgen_core.models.model_source import SAFETY_CHECKER, ModelSource
from bgen_core.models.placement import Placement, apply_placement, device_map, place
from bgen_core.models.revision import current_revision
from bgen_core.models.safetensors_header import DOWNLOAD_AGAIN
from bgen_core.models.single_files.opening import open_single_file
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

LONGEST_PROMPT = 10**9  # transformers gives 10^30 where a tokenizer's configuration is missing


def load_pipeline(
    source: ModelSource, device: Device, *, with_safety_checker: bool = False, placement: Placement | None = None
) -> Any:
    """Load a diffusers inpainting pipeline onto a device.

    Parameters
    ----------
    source
        The pinned model.
    device
        Where it shall run; decides the number format.
    with_safety_checker
        Whether one that the checkpoint brings is loaded too.
    placement
        Where its parts lie; None chooses by the device's memory.

    Returns
    -------
    DiffusionPipeline
        In evaluation mode, without progress bars. With a UNet, the VAE computes in float32 where its configuration asks
        for that; the other pipelines expect the VAE in their own format.

    Raises
    ------
    ModelLoadError
        Says which model, why, and what to do.
    """
    import diffusers

    source = fetched(source, device.dtype_name, with_safety_checker=with_safety_checker)
    placement = placement or place(source, device)
    quiet_libraries()
    diffusers.utils.logging.disable_progress_bar()
    location = source.single.path if source.single else source.repository or source.folder
    try:
        pipeline = _open(source, device, device_map(placement, device), with_safety_checker=with_safety_checker)
        _check_weights(pipeline, source)
        pipeline.set_progress_bar_config(disable=True)
        apply_placement(pipeline, placement, device)
    except ModelLoadError:
        raise
    except Exception as error:  # damaged files, missing parts, unknown classes, no memory: all end here
        logger.info("loading %s failed", source.name, exc_info=True)  # the worker's log has it
        if is_out_of_memory(error):
            raise ModelLoadError(
                f"model {quoted(source.name)} does not fit into the memory of {device.name}: close what else uses it, "
                "or choose a smaller model."
            ) from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        part = _part_in_hand(error)
        raise ModelLoadError(
            f"model {quoted(source.name)} cannot be loaded from {location}: {part}{reason.rstrip('.')}. "
            "Check the folder or the Hub id, or choose the model 'demo'."
        ) from error
    if current_revision(source) != source.revision:
        raise ModelLoadError(f"model {quoted(source.name)} was changed in {location} while it was loaded: start again.")
    tokenizer = getattr(pipeline, "tokenizer", None)
    longest = LONGEST_PROMPT if tokenizer is None else tokenizer.model_max_length
    if not isinstance(longest, int) or not 0 < longest <= LONGEST_PROMPT:
        raise ModelLoadError(
            f"model {quoted(source.name)} cannot be used: its tokenizer does not say how long a prompt may be; "
            f"the folder 'tokenizer' in {location} is missing or incomplete."
        )
    loaded = family_of(pipeline)
    if loaded is not None and loaded.engine == "unet" and getattr(pipeline.vae.config, "force_upcast", False):
        pipeline.vae.to(dtype=_float32())
    return pipeline


def _check_weights(pipeline: Any, source: ModelSource) -> None:
    """Refuse parts whose files lack weights: transformers fills those with random numbers, and only logs it."""
    import torch

    elsewhere = source.single.parts if source.single else ()
    for name, part in pipeline.components.items():
        if not isinstance(part, torch.nn.Module):
            continue
        needed = sum(weight.numel() for weight in part.parameters())
        is_listed = name in source.networks and name not in elsewhere
        held = count_weights(source.files, [name], source.variant) if is_listed else needed
        # More is common: what a library does not take any more.
        if held < needed or any(weight.is_meta for weight in part.parameters()):
            raise ModelLoadError(
                f"model {quoted(source.name)} cannot be used: its part {name} ({type(part).__name__}) lacks some of "
                f"its weights; {DOWNLOAD_AGAIN}, or choose the model 'demo'."
            )


def _part_in_hand(error: Exception) -> str:
    """The part that diffusers 0.42.1 was loading, as the frames below its error tell; empty where it was none."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code.co_name == "load_sub_model":
            return f"its part {frame.f_locals.get('name')} cannot be read, "
    return ""


def _open(source: ModelSource, device: Device, mapped: str | None, *, with_safety_checker: bool) -> Any:
    """Never from a pickle: opening one may run any program."""
    import diffusers

    family = source.family
    kind = getattr(diffusers, family.loads_as)
    # SD 3 without T5: what is absent has to be said to whatever class takes it.
    unwanted: set[str] = set() if with_safety_checker else {SAFETY_CHECKER}
    taken = inspect.signature(kind.__init__).parameters
    absent: dict[str, Any] = dict.fromkeys((set(source.absent) | unwanted) & set(taken))
    if source.single is not None:
        return open_single_file(source, device, absent)
    if source.prior is not None:
        return _open_decoder_and_prior(source, source.prior, device)
    loader: Any = getattr(diffusers, "AutoPipelineForInpainting" if family.mapped else family.loads_as)
    return loader.from_pretrained(
        str(source.files),
        dtype=device.dtype,
        device_map=mapped,
        use_safetensors=True,
        variant=source.variant,
        **absent,
    )


def _open_decoder_and_prior(source: ModelSource, prior: ModelSource, device: Device) -> Any:
    import diffusers

    decoder, giver = (
        getattr(diffusers, model.pipeline_class).from_pretrained(
            str(model.files), dtype=device.dtype, use_safetensors=True, variant=model.variant
        )
        for model in (source, prior)
    )
    given = {f"prior_{name}": part for name, part in giver.components.items()}
    return getattr(diffusers, source.family.loads_as)(**decoder.components, **given)


def editing_pipeline(pipeline: Any, family: Family) -> Any:
    """The call that edits a whole picture, over the parts of a loaded pipeline."""
    import diffusers

    kind = getattr(diffusers, family.edits_as)
    taken = inspect.signature(kind.__init__).parameters
    own = {**pipeline.config, **pipeline.components}
    editing = kind(**{name: part for name, part in own.items() if name in taken})
    editing.set_progress_bar_config(disable=True)
    return editing


def quiet_libraries() -> None:
    """Keep the model libraries' hints off the terminal; errors still come as exceptions."""
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # numpy 2.4 announces changes in __array__ that diffusers 0.42.1's schedulers rely on; results are the same.
    warnings.filterwarnings("ignore", message="__array_", category=DeprecationWarning)
    # Advice to whoever published a model, which nobody here can follow.
    warnings.filterwarnings("ignore", message="The configuration file of ", category=FutureWarning)
    # SDXL's pipelines of diffusers 0.42.1 call it themselves.
    warnings.filterwarnings("ignore", message="`upcast_vae` is deprecated", category=FutureWarning)


def _float32() -> Any:
    import torch

    return torch.float32
