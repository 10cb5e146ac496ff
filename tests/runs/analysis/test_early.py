"""What kept runs say of stopping cells early: how often the best one is lost, and that no guess stops anything."""

import random

import numpy as np
import pytest

from bgen_core.runs.analysis.racing.early import (
    FEWEST_GROUPS,
    GROUP,
    MOST_LOST,
    Foreseen,
    calibrate,
    lost_with,
    stopped_with,
)

LOOKED_AT = 0.3


def drawn(random_: np.random.Generator, sweeps: int, cells: int, *, tells: float, level: float = 1.0) -> list[Foreseen]:
    """Runs whose previews tell so much of what becomes of them; sweeps lie on levels of their own."""
    runs: list[Foreseen] = []
    for sweep in range(sweeps):
        at = random_.normal(scale=level)
        finals = random_.normal(size=cells)
        previews = at + tells * finals + random_.normal(size=cells)
        runs += [
            Foreseen(sweep=str(sweep), preview=float(preview), final=float(at + final))
            for preview, final in zip(previews, finals, strict=True)
        ]
    return runs


def test_too_few_kept_runs_stop_nothing() -> None:
    for sweeps, cells in ((0, 8), (1, 7), (500, GROUP - 1), (FEWEST_GROUPS - 1, 2 * GROUP - 1)):
        found = calibrate(drawn(np.random.default_rng(1), sweeps, cells, tells=9), looked_at=LOOKED_AT)
        assert found.bound is None
        assert found.kept == sweeps * cells
    assert (
        calibrate(drawn(np.random.default_rng(1), FEWEST_GROUPS, GROUP, tells=9), looked_at=LOOKED_AT).bound is not None
    )


def test_chances_are_those_of_painting_in_a_random_order() -> None:
    """Of the rule as it is played: one after another, against the best that is finished, whatever was stopped."""
    group = drawn(np.random.default_rng(2), 1, 6, tells=1.0)
    best = min(group, key=lambda run: run.final)
    bound, games, lost, stopped = 0.4, 20_000, 0, 0
    order = random.Random(3)
    for _ in range(games):
        finished: list[Foreseen] = []
        for run in order.sample(group, len(group)):
            ahead = min(finished, key=lambda each: each.final, default=None)
            if ahead is not None and run.preview - ahead.preview > bound:
                stopped += 1
                lost += run is best
            finished.append(run)
    tolerance = 4 * 0.5 / games**0.5  # four standard errors of a share
    assert lost / games == pytest.approx(lost_with(group, bound), abs=tolerance)
    assert stopped / games / len(group) == pytest.approx(stopped_with(group, bound), abs=tolerance)


@pytest.mark.parametrize("tells", [3.0, 1.0, 0.0, -1.0])
def test_at_most_one_in_twenty_winners_is_lost(tells: float) -> None:
    """On further groups that are drawn like the kept ones, whether previews tell much, nothing, or the contrary."""
    source = np.random.default_rng(4)
    lost: list[float] = []
    for _ in range(60):
        found = calibrate(drawn(source, 40, GROUP, tells=tells), looked_at=LOOKED_AT)
        further = drawn(source, 10, GROUP, tells=tells)
        groups = [further[start : start + GROUP] for start in range(0, len(further), GROUP)]
        lost += [0.0 if found.bound is None else lost_with(group, found.bound) for group in groups]
    assert np.mean(lost) <= MOST_LOST


def test_previews_that_tell_much_save_steps_and_those_that_tell_nothing_do_not() -> None:
    much = calibrate(drawn(np.random.default_rng(5), 40, 16, tells=5.0), looked_at=LOOKED_AT)
    nothing = calibrate(drawn(np.random.default_rng(5), 40, 16, tells=0.0), looked_at=LOOKED_AT)
    assert much.bound is not None
    assert much.saved > 0.25
    assert much.by_sweep
    assert nothing.bound is None
    assert nothing.saved < 0.05


@pytest.mark.parametrize("same", ["preview", "final"])
def test_equal_values_lose_no_winner(same: str) -> None:
    runs = [
        Foreseen(sweep="a", **{"preview": float(place), "final": float(place), same: 1.0})  # type: ignore[arg-type]
        for place in range(FEWEST_GROUPS * GROUP)
    ]
    found = calibrate(runs, looked_at=LOOKED_AT)
    assert found.lost <= MOST_LOST or found.bound is None
