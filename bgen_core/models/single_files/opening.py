"""From a model in one file, and the configuration that goes with it, to a pipeline."""

from importlib import import_module
from typing import Any

from bgen_core.models.devices import Device
from bgen_core.models.model_source import ModelSource
from bgen_core.models.weight_variants import parts_of


def open_single_file(source: ModelSource, device: Device, absent: dict[str, Any]) -> Any:
    """The pipeline with its inpainting call, on the CPU.

    Parameters
    ----------
    absent
        Parts that are said to be None.
    """
    import diffusers

    assert source.single is not None
    family = source.family
    # FluxInpaintPipeline of diffusers 0.42.1 opens no single files: the plain class does, and has the same parts.
    kind = getattr(diffusers, family.loads_as)
    opens = kind if hasattr(kind, "from_single_file") else getattr(diffusers, family.saved_as[0])
    pipeline = opens.from_single_file(
        str(source.single.path),
        config=str(source.files),
        dtype=device.dtype,
        local_files_only=True,
        **absent | _parts_beside(source, device),
    )
    return pipeline if isinstance(pipeline, kind) else kind(**pipeline.components)


def _parts_beside(source: ModelSource, device: Device) -> dict[str, Any]:
    """The parts that the file lacks, of which diffusers would find some weights, by their name, and others not."""
    return {
        name: getattr(import_module(library), kind).from_pretrained(
            str(source.files / name), dtype=device.dtype, use_safetensors=True, variant=source.variant
        )
        for name, library, kind in parts_of(source.index)
        if name in source.networks
    }
