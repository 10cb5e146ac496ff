"""Whose turn it is: owners in turn, nobody before those who wait longer, and what an admin has put first."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bgen_core.records.turn_rule import InQueue, in_order, least_seconds, next_after, next_in_turn

START = datetime(2025, 1, 1, tzinfo=UTC)


def queued(name: str, *, at: float = 0, place: float | None = None) -> InQueue:
    """A sweep whose first letter is its owner."""
    place = float(name[1:] or 0) + 1 if place is None else place
    return InQueue(id=name, owner=name[0], created=START + timedelta(seconds=at), place=place)


@pytest.mark.parametrize("seed", range(20))
def test_between_two_cells_of_who_waits_each_other_owner_has_at_most_one(seed: int) -> None:
    """Whoever comes, and whenever: nobody waits longer than for one cell of each who is there."""
    chance, served = random.Random(seed), {}
    left: dict[str, int] = {}
    sweeps: dict[str, InQueue] = {}
    since_own: dict[str, Counter[str]] = {}  # owner who waits -> cells of others since their last one
    number = 0
    for tick in range(400):
        if chance.random() < 0.15 or not left:
            number += 1
            name = f"{chance.choice('abcdefgh')}{number}"
            sweeps[name], left[name] = queued(name, at=tick), chance.choice([1, 1, 5, 200])
            since_own.setdefault(name[0], Counter())
        turn = next_in_turn([sweeps[name] for name in left], served)
        assert turn is not None
        assert min(name for name in left if name[0] == turn.owner and sweeps[name].place <= turn.place) == turn.id
        for counted in (counted for owner, counted in since_own.items() if owner != turn.owner):
            counted[turn.owner] += 1
            assert max(counted.values()) == 1
        since_own[turn.owner] = Counter()
        left[turn.id] -= 1
        if not left[turn.id]:
            del left[turn.id]
        if not any(name[0] == turn.owner for name in left):
            del since_own[turn.owner]
        served[turn.owner] = START + timedelta(seconds=tick + 0.5)


def test_newcomers_do_not_starve_who_has_been_served() -> None:
    """However many come that were never served: who waits since before is before them."""
    waiting = [queued("a1"), *(queued(f"{owner}1", at=20) for owner in "bcdefg")]
    assert next_in_turn(waiting, {"a": START + timedelta(seconds=10)}) == waiting[0]


def test_a_running_sweep_gives_way_to_others_alone() -> None:
    running = queued("a1")
    own, foreign = queued("a2"), queued("b3")
    assert next_after(running, [own], {}) is None
    assert next_after(running, [own, foreign], {}) == foreign


def test_what_is_put_first_is_before_everybody_and_gives_way_to_what_is_put_first_later() -> None:
    urgent, later, other = queued("a5", place=-1), queued("a6", place=-2), queued("b1")
    served = {"a": START + timedelta(hours=1)}
    assert [each.id for each in in_order([other, urgent, later], served)] == ["a6", "a5", "b1"]
    assert next_after(queued("a1"), [urgent], served) == urgent
    assert next_after(urgent, [other], served) is None
    assert next_after(urgent, [other, later], served) == later


@pytest.mark.parametrize(
    ("joins", "loading", "seconds"), [(True, 60, 0), (False, 0, 10), (False, 1, 10), (False, 5, 20)]
)
def test_a_turn_is_worth_what_the_change_costs(joins: bool, loading: float, seconds: float) -> None:
    assert least_seconds(joins=joins, loading=loading) == seconds
