"""How long a sweep will take, from what was measured."""

from dataclasses import replace

import pytest

from bgen_core.extent import Extent
from bgen_core.jobs.estimate import estimate_seconds
from bgen_core.models.revision import find_model
from bgen_core.store.store import Store
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning, tuning_name

PICTURE = Extent(width=256, height=256)
BASE = InpaintParams(prompt="a beach", scheduler="ddim", num_inference_steps=20, guidance_scale=3.0)


@pytest.mark.parametrize(
    ("cells", "quantum", "rows"),
    [
        (1, None, 40),
        (1, 8, 160),  # each of 20 calls holds eight rows, of which one cell fills two
        (4, 8, 160),
        (5, 8, 200),
    ],
)
def test_a_call_holds_the_quantums_rows_at_least(store: Store, cells: int, quantum: int | None, rows: int) -> None:
    source = find_model("demo")
    place = store.tunings.of(tuning_name(source.revision, "cpu", "float32"), "a processor")
    place.write(PICTURE, BatchTuning(batch_size=32, quantum=quantum, seconds_per_row=0.5))
    seconds = estimate_seconds(
        [replace(BASE, seed=seed) for seed in range(cells)],
        picture=PICTURE,
        source=source,
        device_kind="cpu",
        dtype_name="float32",
        tunings=store.tunings,
        recent=(),
    )
    assert seconds == pytest.approx(0.5 * rows)
