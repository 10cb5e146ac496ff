"""How long a row takes, on a machine that pauses."""

from itertools import repeat
from typing import Any

import pytest
import torch

from bgen_core.sweep.engine import batch_size


class _Clock:
    """Calls take the given seconds, one after the other."""

    def __init__(self, seconds: list[float]) -> None:
        self.now, self.calls = 0.0, 0
        self._seconds = iter(seconds)

    def perf_counter(self) -> float:
        return self.now

    def evaluate(self, rows: list[Any]) -> list[torch.Tensor]:
        self.now += next(self._seconds)
        self.calls += 1
        return [torch.zeros(1) for _ in rows]


@pytest.mark.parametrize(
    ("seconds", "best", "calls"),
    [
        ([9.0, 0.09, 0.09, 0.04, *repeat(0.05, 9)], 0.04, 5),  # two pauses: 0.09 + 0.09 + 0.04 + 0.05 reach a quarter
        ([9.0, *repeat(0.001, 20)], 0.001, 7),  # so short that the number of calls ends it
        ([9.0, 0.3, 0.2, 0.1], 0.2, 3),
        ([9.0, 0.6, 0.1], 0.6, 2),  # long: no pause counts beside it
    ],
)
def test_short_calls_are_timed_until_a_pause_does_not_matter(
    seconds: list[float], best: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock(seconds)
    monkeypatch.setattr(batch_size, "time", clock)
    evaluator: Any = clock
    rows: list[Any] = [None, None]
    assert batch_size._seconds_per_row(evaluator, rows) == pytest.approx(best / 2)
    assert clock.calls == calls  # the first one warms up
