"""The benchmark's own arithmetic, on a small model: every side makes every cell, and the document has its fields."""

import copy

import pytest
import torch

from bgen_core.bench import engine, sweep
from bgen_core.bench.engine import EngineBenchmark
from bgen_core.bench.machine import describe_machine
from bgen_core.bench.shapes import random_pipeline
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import find_device
from bgen_core.settings import Settings
from tests.jobs.quick_sweeps import Noise
from tests.tiny_models import tiny_pipeline

pytestmark = pytest.mark.slow


def test_four_sides_are_measured_and_agree(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "STEPS", (2, 3, 4))
    plain = tiny_pipeline("sd-9")
    benchmark = EngineBenchmark(plain, copy.deepcopy(plain), Extent(width=16, height=16))
    said: list[str] = []
    result = benchmark.run(1, said.append)
    assert set(result.seconds) == {"loop", "seeds_batched", "engine", "floor"}
    assert all(times[0] > 0 for times in result.seconds.values())
    assert set(result.ratios) == {"loop_over_engine", "seeds_batched_over_engine", "engine_over_floor"}
    assert result.cells == 27
    # Three times 5 rows (1 + 2 + 2 for the guidance values) for 3 + 4 + 5 evaluations of PNDM, less what is shared.
    assert 120 < result.rows < 3 * 5 * (3 + 4 + 5)
    assert result.max_pixel_difference <= 1
    assert len(said) == 1


@pytest.mark.parametrize("family", ["sd-9", "sdxl-9"])
def test_sides_agree_in_half_precision_and_at_one_strength(family: str, monkeypatch: pytest.MonkeyPatch):
    """As on a GPU: autoencoders that ask for float32 get it in the engine, and the plain pipeline is left alone."""
    monkeypatch.setattr(engine, "STEPS", (2,))
    monkeypatch.setattr(engine, "GUIDANCE", (1.0,))
    plain, tuned = (copy.deepcopy(tiny_pipeline(family)).to(torch.bfloat16) for _ in range(2))
    assert tuned.vae.config.force_upcast
    benchmark = EngineBenchmark(plain, tuned, Extent(width=16, height=16))
    assert (plain.vae.dtype, tuned.vae.dtype) == (torch.bfloat16, torch.float32)
    assert benchmark.paint_in_loop(benchmark.cells[:1])[0].shape == (16, 16, 3)
    assert benchmark.compare_pixels() <= 12  # bfloat16 has 8 bits; another strength gives more than 100


def test_a_whole_sweep_is_measured_against_the_engine(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr(sweep, "PHOTOS", {"small": Extent(width=80, height=64)})
    said: list[str] = []
    (result,) = sweep.measure_sweeps(settings, "demo", 1, said.append).values()
    assert (result.cells, len(result.engine), len(result.sweep), len(said)) == (27, 1, 1, 1)
    assert result.ratio > 0 and result.outside > 0
    assert all(spent > 0 for spent in result.commit.values())
    assert not list(settings.home.glob("blobs/*/*.png"))  # its store is its own


def test_a_machine_is_named_with_its_libraries():
    named = describe_machine(find_device("cpu"))
    assert named["number format"] == "float32" and "torch" in named["libraries"]
    assert "device" not in describe_machine()


def test_an_unknown_shape_names_those_that_are_known():
    with pytest.raises(UserInputError, match="'sd3' is not known: choose sd15, sdxl"):
        random_pipeline("sd3", find_device("cpu"))


@pytest.mark.gpu
@pytest.mark.parametrize("shape", ["sd15", "sdxl"])
def test_true_sizes_run_on_a_gpu(shape: str):
    device = find_device("cuda")
    pipeline = random_pipeline(shape, device)
    assert pipeline.unet.dtype == device.dtype
