"""Many painters, simulated: what is promised of 64 devices, and what is named as the bottleneck."""

from dataclasses import replace

import pytest

from bgen_core.bench.simulation import SimulatedSweep, StageTimes, simulate

# As measured of SD 1.5 in float16 on one large GPU, rounded.
GPU = StageTimes(
    call_seconds={1: 0.012, 2: 0.0135, 4: 0.02, 8: 0.035, 16: 0.065, 32: 0.125},
    decode_seconds=0.008,
    encode_seconds=0.12,
    put_seconds=0.02,
    lease_seconds=0.005,
    database_seconds=1 / 338,
)
LARGE = SimulatedSweep(cells=10_000, painters=64, slow_part=0.25)


def test_64_devices_of_which_a_quarter_is_half_as_fast_are_used() -> None:
    result = simulate(GPU, LARGE)
    assert result.efficiency >= 0.90
    assert result.efficiency + sum(result.lost.values()) == pytest.approx(1, abs=0.005)


def test_one_painter_alone_loses_nothing() -> None:
    result = simulate(GPU, replace(LARGE, painters=1, cells=500))
    assert result.efficiency > 0.98
    assert result.bottleneck == "the devices"


@pytest.mark.parametrize(
    ("times", "sweep", "bottleneck"),
    [
        pytest.param(replace(GPU, database_seconds=0.01), LARGE, "the database", id="database"),
        pytest.param(replace(GPU, encode_seconds=1.5), LARGE, "the commit threads", id="large photos"),
        pytest.param(replace(GPU, load_seconds=60.0), LARGE, "loading", id="a model that loads for long"),
        pytest.param(GPU, replace(LARGE, cells=70), "the last cells", id="hardly more cells than devices"),
    ],
)
def test_the_bottleneck_is_named(times: StageTimes, sweep: SimulatedSweep, bottleneck: str) -> None:
    assert simulate(times, sweep).bottleneck == bottleneck


def test_a_slow_painter_has_less_at_a_time_and_every_cell_is_painted_once() -> None:
    alone = simulate(GPU, replace(LARGE, cells=1_000, painters=1))
    pair = simulate(GPU, replace(LARGE, cells=1_000, painters=2, slow_part=0.5))
    assert pair.seconds / alone.seconds == pytest.approx(1 / 1.5, rel=0.05)
