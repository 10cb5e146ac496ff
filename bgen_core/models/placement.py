"""Where the parts of a model lie while it paints: on its device, or there in turn where the device's memory is short.

None of it changes a bit of a picture. What is kept in eight bits does, and is a number format (`BGEN_PRECISION`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psutil

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device, free_bytes, memory_bytes
from bgen_core.models.folder_check import count_weights
from bgen_core.models.model_source import ModelSource
from bgen_core.models.safetensors_header import numbers_of, read_header
from bgen_core.wording import quoted

Offload = Literal["none", "model", "group"]
OffloadWish = Literal["auto", "none", "model", "group"]

# Activations of one call and of the autoencoder at 1024 × 1024, in bytes; SDXL's decoder in float32 takes most of it.
WORKING_BYTES = 3e9
DENOISERS = ("unet", "transformer")
_WAYS: dict[Offload, str] = {
    "none": "whole on the device",
    "model": "a part at a time on the device",
    "group": "a layer at a time on the device",
}


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How a model is placed.

    Attributes
    ----------
    offload
        "none": all parts stay on the device. "model": each comes there while it works. "group": each layer does.
    whole, largest
        Bytes of all weights, and of the largest part.
    working
        Bytes that painting takes beside them, estimated.
    free
        Bytes that the device had left; those of the machine's memory on a CPU.
    """

    offload: Offload
    whole: int
    largest: int
    working: int
    free: int

    @property
    def way(self) -> str:
        """In words."""
        return _WAYS[self.offload]

    def __str__(self) -> str:
        return (
            f"{self.way}: {self.whole / 1e9:.1f} GB of weights and about {self.working / 1e9:.1f} GB to paint, "
            f"with {self.free / 1e9:.1f} GB free"
        )


def place(source: ModelSource, device: Device, wish: OffloadWish = "auto") -> Placement:
    """Choose how a model is placed, before it is loaded: what is fastest of what fits.

    Parameters
    ----------
    source
        The model with all its files here.
    wish
        "auto" chooses; the others are taken as they are, where the device has a memory of its own.

    Raises
    ------
    ModelLoadError
        It fits in no way, or not in the one that is wished for.
    """
    sizes = bytes_of_parts(source, device)
    whole, largest = sum(sizes.values()), max(sizes.values(), default=0)
    working = round(WORKING_BYTES * (source.entry.side / 1024) ** 2)
    machine = psutil.virtual_memory().total
    free, there = free_bytes(device), memory_bytes(device)

    def placed(offload: Offload) -> Placement:
        return Placement(offload=offload, whole=whole, largest=largest, working=working, free=free)

    if not device.kind.startswith("cuda") or wish == "none":  # others share the machine's memory
        if whole > there:
            raise _too_large(source, device, whole, there)
        return placed("none")
    if whole > machine:  # it passes through there, and waits there
        raise _too_large(source, device, whole, machine)
    if wish != "auto":
        return placed(wish)
    if whole + working <= free:
        return placed("none")
    # Layers in whole numbers are not moved one by one.
    return placed("model" if largest + working <= free or device.kept_in == "int8" else "group")


def bytes_of_parts(source: ModelSource, device: Device) -> Mapping[str, int]:
    """Part of a model -> bytes of its weights on that device; a single file's own parts are one."""
    sizes = {
        name: count_weights(source.files, [name], source.variant) * _bytes_per_number(name, device)
        for name in source.networks
    }
    if source.single is not None:
        held = sum(map(numbers_of, read_header(source.single.path).values()))
        sizes["file"] = held * device.dtype.itemsize
    if source.prior is not None:
        sizes |= {f"prior_{name}": size for name, size in bytes_of_parts(source.prior, device).items()}
    return sizes


def device_map(placement: Placement, device: Device) -> str | None:
    """Where diffusers shall put each part as it reads it, so that no weights pass through the machine's memory; None
    where they must: to be shrunk, to wait there, or since diffusers 0.42.1 takes no numbered GPU.
    """
    is_whole = placement.offload == "none" and not device.kept_in
    return device.kind if is_whole and device.kind == "cuda" else None


def apply_placement(pipeline: Any, placement: Placement, device: Device) -> None:
    """Put a loaded pipeline where it is to be.

    Parameters
    ----------
    pipeline
        A DiffusionPipeline, on the CPU or where `device_map` had it put.
    """
    import torch

    for name in DENOISERS if device.kept_in else ():
        if (denoiser := getattr(pipeline, name, None)) is not None:
            _keep_in_eight_bits(denoiser, device)
    if placement.offload == "none":
        pipeline.to(device.kind)
    elif placement.offload == "model":
        pipeline.enable_model_cpu_offload(device=device.kind)
    else:
        parts: dict[str, Any] = pipeline.components
        pipeline.enable_group_offload(
            onload_device=torch.device(device.kind),
            offload_type="leaf_level",
            use_stream=device.kind.startswith("cuda"),
            # Kandinsky's autoencoder cannot be moved by layers, and stays on the device.
            exclude_modules=[
                name for name, part in parts.items() if not getattr(part, "_supports_group_offloading", True)
            ],
        )


def _bytes_per_number(part: str, device: Device) -> int:
    # A UNet's convolutions are no linear layers, which alone are kept as whole numbers.
    shrinks = part in DENOISERS and (device.kept_in == "float8" or (device.kept_in == "int8" and part != "unet"))
    return 1 if shrinks else device.dtype.itemsize


def _keep_in_eight_bits(denoiser: Any, device: Device) -> None:
    import torch

    if device.kept_in == "float8":
        from diffusers.models.embeddings import ImageProjection

        denoiser.enable_layerwise_casting(
            storage_dtype=torch.float8_e4m3fn,
            compute_dtype=device.dtype,
            skip_modules_classes=(ImageProjection,),  # Kandinsky's: it brings its input into its weights' format
        )
        for layer in denoiser.modules():
            if getattr(getattr(layer, "weight", None), "dtype", None) == torch.float8_e4m3fn:
                # peft 0.21.2 takes it for a LoRA's own numbers rather than the weight's format.
                layer.compute_dtype = device.dtype
        return
    for name in ("torchao", "torch.utils._pytree"):  # they tell at their import which kernels this machine lacks
        logging.getLogger(name).setLevel(logging.ERROR)
    from torchao.quantization import Int8WeightOnlyConfig, quantize_  # pyright: ignore[reportMissingTypeStubs]

    quantize_(denoiser, Int8WeightOnlyConfig(version=2))


def _too_large(source: ModelSource, device: Device, needed: int, there: int) -> ModelLoadError:
    remedies = ["choose a smaller model"]
    if device.dtype_name == "float32":
        remedies.append("BGEN_PRECISION=half")
    elif not device.kept_in:
        remedies.append("BGEN_PRECISION=float8")
    if device.kind != "cpu" and needed <= psutil.virtual_memory().total:
        remedies.append("BGEN_OFFLOAD=auto")
    *first, last = remedies
    return ModelLoadError(
        f"model {quoted(source.name)} needs {needed / 1e9:.1f} GB for its weights alone, and {device.name} has "
        f"{there / 1e9:.1f} GB: {', '.join(first)}{', or ' if first else ''}{last}."
    )
