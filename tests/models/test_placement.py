"""Where a model's parts lie: what fits is chosen from its files, and no way changes a bit of a picture."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from bgen_core.errors import ModelLoadError, UserInputError
from bgen_core.models import loading as loading_module
from bgen_core.models import placement as placement_module
from bgen_core.models.devices import Device, find_device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.model_files import settled
from bgen_core.models.model_source import ModelSource
from bgen_core.models.placement import (
    Offload,
    OffloadWish,
    Placement,
    apply_placement,
    bytes_of_parts,
    device_map,
    place,
)
from bgen_core.models.revision import find_model
from bgen_core.models.steering.loras import find_loras
from bgen_core.sweep.adapters import Adapters
from bgen_core.sweep.applied_loras import AppliedLora
from bgen_core.sweep.engine import BatchedInpainter, can_batch
from bgen_core.sweep.events import Canvas, Finished, PaintCell
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import tiny_family
from tests.tiny_loras import lora_of, save_lora
from tests.tiny_models import tiny_pipeline

CPU = Device(kind="cpu", name="cpu", dtype_name="float32")
GPU = Device(kind="cuda", name="a GPU", dtype_name="float16")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_pipeline("sd-9").save_pretrained(folder / "sd-9")
    tiny_family("flux-dev").save_pretrained(folder / "flux-dev")
    return {name: folder / name for name in ("sd-9", "flux-dev")}


@pytest.fixture
def source(folders: dict[str, Path]) -> ModelSource:
    return settled(find_model(str(folders["sd-9"])), "float16")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A GPU and a machine with so many bytes."""

    def memory(*, free: float, there: float = 1e12, machine: float = 1e12) -> None:
        monkeypatch.setattr(placement_module, "free_bytes", lambda device: free)
        monkeypatch.setattr(placement_module, "memory_bytes", lambda device: machine if device.kind == "cpu" else there)
        sized = psutil.virtual_memory()._replace(total=machine)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: sized)

    return memory


def test_the_sizes_are_those_of_the_networks(source: ModelSource) -> None:
    pipeline = tiny_pipeline("sd-9")
    for device, of_unet in ((CPU, 4), (GPU, 2), (Device(kind="cuda", name="", dtype_name="float16+float8"), 1)):
        sizes = bytes_of_parts(source, device)
        for name, network in (("unet", pipeline.unet), ("vae", pipeline.vae), ("text_encoder", pipeline.text_encoder)):
            numbers = sum(weight.numel() for weight in network.parameters())
            assert sizes[name] == numbers * (of_unet if name == "unet" else max(2, of_unet))


def test_what_is_fastest_of_what_fits_is_chosen(source: ModelSource, memory: Callable[..., None]) -> None:
    sizes = bytes_of_parts(source, GPU)
    whole, largest = sum(sizes.values()), max(sizes.values())
    working = place(source, CPU).working
    for free, offload in ((whole + working, "none"), (whole + working - 1, "model"), (largest + working - 1, "group")):
        memory(free=free)
        assert place(source, GPU).offload == offload
        assert (place(source, GPU).whole, place(source, GPU).largest) == (whole, largest)
    memory(free=0)
    assert place(source, CPU).offload == "none"  # a CPU has no other memory


@pytest.mark.parametrize(
    ("wish", "device", "there", "machine", "words"),
    [
        ("none", GPU, 1e3, 1e12, "choose a smaller model, BGEN_PRECISION=float8, or BGEN_OFFLOAD=auto."),
        ("auto", GPU, 1e3, 1e3, "choose a smaller model, or BGEN_PRECISION=float8."),
        ("auto", CPU, 1e3, 1e3, "choose a smaller model, or BGEN_PRECISION=half."),
    ],
)
def test_what_fits_in_no_way_is_refused_with_what_helps(
    wish: OffloadWish, device: Device, there: float, machine: float, words: str, source: ModelSource,
    memory: Callable[..., None],
) -> None:  # fmt: skip
    memory(free=there, there=there, machine=machine)
    with pytest.raises(ModelLoadError, match=r"needs 0\.\d GB for its weights alone, and .* has 0\.0 GB: ") as refused:
        place(source, device, wish)
    assert str(refused.value).endswith(words)


def placed(offload: Offload) -> Placement:
    return Placement(offload=offload, whole=0, largest=0, working=0, free=0)


def paint(folder: Path, device: Device, placement: Placement, loras: tuple[AppliedLora, ...] = ()) -> list[np.ndarray]:
    pipeline = load_pipeline(find_model(str(folder)), device, placement=placement)
    assert can_batch(pipeline)
    inpainter = BatchedInpainter(pipeline)
    colours = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    mask = np.full((16, 16), 255, np.uint8)
    mask[8:] = 0
    canvas = Canvas(init_image=colours, mask_image=mask)
    inpainter.tunings.get(canvas.extent, lambda kept: BatchTuning(batch_size=4, quantum=1, seconds_per_row=1.0))
    base = InpaintParams(prompt="a beach", scheduler="default", num_inference_steps=2)
    cells = [PaintCell(index=seed, canvas=canvas, params=replace(base, seed=seed), loras=loras) for seed in range(2)]
    finished = [event for event in inpainter.paint(cells) if isinstance(event, Finished)]
    assert len(finished) == 2
    return [event.image for event in sorted(finished, key=lambda event: event.cell.index)]


@pytest.mark.parametrize("name", ["sd-9", "flux-dev"])
def test_no_way_changes_a_bit(name: str, folders: dict[str, Path]) -> None:
    """The hooks that move parts are those of a GPU, told to move them to the CPU, where they are already."""
    whole = paint(folders[name], CPU, placed("none"))
    for offload, hook in (("model", "_hf_hook"), ("group", "_diffusers_hook")):
        pipeline = load_pipeline(find_model(str(folders[name])), CPU, placement=placed(offload))
        assert any(hasattr(module, hook) for module in pipeline.text_encoder.modules())
        for one, other in zip(whole, paint(folders[name], CPU, placed(offload)), strict=True):
            assert np.array_equal(one, other), offload


@pytest.mark.parametrize("name", ["sd-9", "flux-dev"])
def test_weights_read_straight_onto_the_device_are_the_same(
    name: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CPU stands in for a GPU: diffusers and accelerate take the same path."""
    usual = paint(folders[name], CPU, placed("none"))
    asked: list[Offload] = []
    monkeypatch.setattr(
        loading_module, "device_map", lambda placement, device: (asked.append(placement.offload), device.kind)[1]
    )
    for one, other in zip(usual, paint(folders[name], CPU, placed("none")), strict=True):
        assert np.array_equal(one, other)
    assert asked == ["none"]


@pytest.mark.parametrize(
    ("offload", "device", "mapped"),
    [
        ("none", GPU, "cuda"),
        ("none", CPU, None),
        ("none", Device(kind="cuda:1", name="a GPU", dtype_name="float16"), None),
        ("none", Device(kind="cuda", name="a GPU", dtype_name="float16+float8"), None),
        ("model", GPU, None),
        ("group", GPU, None),
    ],
)
def test_what_stays_on_a_gpu_as_it_is_is_read_straight_onto_it(
    offload: Offload, device: Device, mapped: str | None
) -> None:
    assert device_map(placed(offload), device) == mapped


@pytest.mark.parametrize("kept_in", ["float8", "int8"])
@pytest.mark.parametrize(("name", "half"), [("sd-9", "float16"), ("flux-dev", "bfloat16")])
def test_eight_bits_are_kept_and_half_precision_computes(
    name: str, half: str, kept_in: str, folders: dict[str, Path]
) -> None:
    """The pictures are others, so the number format is part of an address; see `Family.number_format`."""
    source = find_model(str(folders[name]))
    device = Device(kind="cpu", name="cpu", dtype_name=kept_in).for_family(source.family)
    assert device.dtype_name == f"{half}+{kept_in}"
    pipeline = load_pipeline(source, device)
    denoiser = pipeline.unet if name == "sd-9" else pipeline.transformer
    weights = [each.weight for each in denoiser.modules() if type(each).__name__ == "Linear"]
    assert len([each for each in weights if getattr(each, "qdata", each).element_size() == 1]) > len(weights) / 2
    in_half = paint(folders[name], Device(kind="cpu", name="cpu", dtype_name=half), placed("none"))
    in_eight = paint(folders[name], device, placed("none"))
    assert not np.array_equal(in_half, in_eight)
    if kept_in == "int8":  # 8 bits of each channel's own scale: near, where float8 has 3 bits after the point
        assert np.abs(np.subtract(in_half, in_eight, dtype=int)).mean() < 8
    again = paint(folders[name], device, placed("none"))
    assert np.array_equal(in_eight, again)


@pytest.mark.parametrize("name", ["sd-9", "flux-dev"])
def test_a_lora_on_a_network_in_float8_keeps_its_own_numbers(
    name: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    source = find_model(str(folders[name]))
    device = Device(kind="cpu", name="cpu", dtype_name="float8").for_family(source.family)
    pipeline = load_pipeline(source, device)
    part = "unet" if name == "sd-9" else "transformer"
    tensors = lora_of(getattr(pipeline, part), part)
    save_lora(tensors, tmp_path / "ink.safetensors")
    file = find_loras(["ink"], tmp_path)["ink"]
    loras = (AppliedLora(file=file, weight=1.0),)
    Adapters(pipeline, source.family.title).use(loras)
    held = {key: each for key, each in getattr(pipeline, part).named_parameters() if "lora_A" in key}
    assert {each.dtype for each in held.values()} == {device.dtype}
    for key, each in held.items():
        given = tensors[f"{part}.{key.rpartition('.lora_A')[0]}.lora_A.weight"]
        assert torch.equal(each, given.to(device.dtype))
    assert not np.array_equal(
        paint(folders[name], device, placed("none"), loras), paint(folders[name], device, placed("none"))
    )


def test_loras_are_switched_and_loaded_in_a_network_whose_parts_move(folders: dict[str, Path], tmp_path: Path) -> None:
    """A move to a GPU is made while painting, and so in inference mode; here numbers are cast there and back."""
    source = find_model(str(folders["sd-9"]))
    pipeline = load_pipeline(source, CPU)
    for seed, name in enumerate(("ink", "mist")):
        save_lora(lora_of(pipeline.unet, "unet", seed=seed), tmp_path / f"{name}.safetensors")
    files = find_loras(["ink, mist"], tmp_path)
    adapters = Adapters(pipeline, source.family.title)
    for name, weight in (("ink", 1.0), ("ink", 0.5), ("mist", 1.0)):
        assert adapters.use((AppliedLora(file=files[name], weight=weight),))
        with torch.inference_mode():
            pipeline.unet.to(torch.float64).to(torch.float32)
        assert any(each.is_inference() for key, each in pipeline.unet.named_parameters() if "lora_" in key)
    assert adapters.use(())


def test_kandinsky_is_kept_in_eight_bits_and_moved_by_layers() -> None:
    half = Device(kind="cpu", name="cpu", dtype_name="float16+float8")
    kept, moved = (tiny_family.__wrapped__("kandinsky") for _ in range(2))
    apply_placement(kept.to(torch.float16), placed("none"), half)
    given = torch.ones(1, 32, dtype=torch.float16)
    assert kept.unet.encoder_hid_proj(given).dtype == torch.float16
    assert torch.float8_e4m3fn in {weight.dtype for weight in kept.unet.parameters()}
    apply_placement(moved, placed("group"), CPU)
    assert any(hasattr(module, "_diffusers_hook") for module in moved.unet.modules())


def test_what_eight_bits_need_is_said_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.models.devices.find_spec", lambda name: None)
    with pytest.raises(UserInputError, match=r"pip install -r requirements-quantization\.txt, or choose float8\.$"):
        find_device("cpu", "int8")
