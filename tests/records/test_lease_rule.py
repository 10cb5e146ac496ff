"""How much of a sweep a painter takes at a time."""

import pytest

from bgen_core.records.lease_rule import LEASE_SECONDS, is_time_to_lease, pictures_to_hold, rows_to_lease

PLENTY = {"rows_left": 1e6, "rows_free": 1e6, "rows_in_hand": 0.0}


def test_a_lease_is_seconds_of_a_painters_own_work() -> None:
    assert rows_to_lease(speed=100, speed_together=400, **PLENTY) == 100 * LEASE_SECONDS
    assert rows_to_lease(speed=50, speed_together=400, **PLENTY) == 50 * LEASE_SECONDS


def test_towards_the_end_it_shrinks_with_what_is_left_and_by_speed() -> None:
    left = {"rows_left": 800.0, "rows_free": 800.0, "rows_in_hand": 0.0}
    fast = rows_to_lease(speed=100, speed_together=400, **left)
    slow = rows_to_lease(speed=50, speed_together=400, **left)
    assert (fast, slow) == pytest.approx((125, 56.25))  # rather more than half of a quarter, and of an eighth
    near_end = {"rows_left": 400.0, "rows_free": 200.0, "rows_in_hand": 90.0}
    assert rows_to_lease(speed=100, speed_together=400, **near_end) == 10, "so little is not halved any more"


def test_who_is_alone_leaves_nothing_to_others() -> None:
    assert rows_to_lease(speed=100, speed_together=100, rows_left=400, rows_free=300, rows_in_hand=100) == 300


@pytest.mark.parametrize(
    ("speed", "rows_free", "rows_in_hand", "takes"),
    [
        pytest.param(100, 10, 100, False, id="it has its part already"),
        pytest.param(100, 10, 0, True, id="it has nothing"),
        pytest.param(0, 10, 0, True, id="it has never painted"),
        pytest.param(0, 10, 20, False, id="its first cell is not painted yet"),
        pytest.param(100, 0, 0, False, id="nothing is free"),
    ],
)
def test_who_has_its_part_leaves_the_rest_to_others(
    speed: float, rows_free: float, rows_in_hand: float, takes: bool
) -> None:
    wanted = rows_to_lease(
        speed=speed, speed_together=400, rows_left=300, rows_free=rows_free, rows_in_hand=rows_in_hand
    )
    assert (wanted > 0) is takes


def test_whatever_is_free_somebody_takes_it() -> None:
    """Parts sum up to what is left: whoever holds less than its part takes something."""
    speeds, in_hand, free = [100, 50, 25], [60.0, 30.0, 12.0], 3.0
    left = sum(in_hand) + free
    taken = [
        rows_to_lease(speed=own, speed_together=sum(speeds), rows_left=left, rows_free=free, rows_in_hand=held)
        for own, held in zip(speeds, in_hand, strict=True)
    ]
    assert any(taken)


def test_cells_are_taken_before_the_last_ones_are_begun() -> None:
    assert is_time_to_lease(speed=100, rows_unbegun=190, rows_begun=80)
    assert not is_time_to_lease(speed=100, rows_unbegun=210, rows_begun=80)
    assert is_time_to_lease(speed=0, rows_unbegun=0, rows_begun=0)


def test_as_many_wait_as_end_together() -> None:
    assert is_time_to_lease(speed=100, rows_unbegun=590, rows_begun=600)
    assert not is_time_to_lease(speed=100, rows_unbegun=610, rows_begun=600)


@pytest.mark.parametrize(
    ("mean_rows", "begun", "together", "held"),
    [
        pytest.param(10, 8, 8, 42, id="with those under way a lease of 50"),
        pytest.param(10, 0, 8, 50, id="nothing is under way"),
        pytest.param(400, 5, 16, 16, id="a batch that takes longer than a lease ends at once"),
        pytest.param(400, 0, 0, 1, id="one is always allowed"),
        pytest.param(0, 0, 0, 500, id="pictures without the network"),
    ],
)
def test_what_waits_for_its_commit_is_a_lease_at_most(mean_rows: float, begun: int, together: int, held: int) -> None:
    assert pictures_to_hold(speed=100, mean_rows=mean_rows, begun=begun, together=together) == held
