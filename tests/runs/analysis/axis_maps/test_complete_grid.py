import itertools

import numpy as np
import pytest

from bgen_core.runs.analysis.axis_maps.complete_grid import largest_complete


def largest_by_trying(there: np.ndarray) -> int:
    """Cells of the largest complete sub-grid, over all choices of values."""
    choices = [[each for each in itertools.product([False, True], repeat=count) if any(each)] for count in there.shape]
    sizes = [
        int(np.prod([sum(each) for each in kept]))
        for kept in itertools.product(*choices)
        if there[np.ix_(*map(np.array, kept))].all()
    ]
    return max(sizes, default=0)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_largest(seed: int) -> None:
    random = np.random.default_rng(seed)
    there = random.random((3, 3, 4)) > random.choice([0.05, 0.2, 0.4])
    found = largest_complete(there)
    assert found is not None
    assert there[np.ix_(*map(list, found.kept))].all()
    assert np.prod(found.levels) == largest_by_trying(there)


def test_a_whole_grid_is_kept_and_an_empty_one_is_none() -> None:
    whole = largest_complete(np.ones((2, 3), bool))
    assert whole is not None
    assert (whole.levels, whole.left_out((2, 3))) == ((2, 3), (0, 0))
    assert largest_complete(np.zeros((2, 3), bool)) is None


def test_a_large_grid_with_holes_everywhere_takes_a_moment_and_gives_something() -> None:
    there = np.random.default_rng(0).random((16, 16, 16)) > 0.3
    found = largest_complete(there)
    assert found is not None
    assert there[np.ix_(*map(list, found.kept))].all()
