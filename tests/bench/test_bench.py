"""The benchmark's own arithmetic, on a small model: every side makes every cell, and the document has its fields."""

import copy

import pytest

from bgen_core.bench import engine
from bgen_core.bench.engine import EngineBenchmark
from bgen_core.bench.shapes import random_pipeline
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import find_device
from tests.tiny_models import tiny_pipeline

pytestmark = pytest.mark.slow


def test_four_sides_are_measured_and_agree(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "STEPS", (2, 4, 6))
    plain = tiny_pipeline("sd-9")
    benchmark = EngineBenchmark(plain, copy.deepcopy(plain), Extent(width=32, height=32))
    said: list[str] = []
    result = benchmark.run(1, said.append)
    assert set(result.seconds) == {"loop", "seeds_batched", "engine", "floor"}
    assert all(times[0] > 0 for times in result.seconds.values())
    assert set(result.ratios) == {"loop_over_engine", "seeds_batched_over_engine", "engine_over_floor"}
    assert result.cells == 27
    # Three times 5 rows (1 + 2 + 2 for the guidance values) for 3 + 5 + 7 evaluations of PNDM, less what is shared.
    assert 150 < result.rows < 3 * 5 * (3 + 5 + 7)
    assert result.max_pixel_difference <= 1
    assert len(said) == 1


def test_an_unknown_shape_names_those_that_are_known():
    with pytest.raises(UserInputError, match="'sd3' is not known: choose sd15, sdxl"):
        random_pipeline("sd3", find_device("cpu"))


@pytest.mark.gpu
@pytest.mark.parametrize("shape", ["sd15", "sdxl"])
def test_true_sizes_run_on_a_gpu(shape: str):
    device = find_device("cuda")
    pipeline = random_pipeline(shape, device)
    assert pipeline.unet.dtype == device.dtype
