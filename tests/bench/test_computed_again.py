"""By which kill a cell was computed again, as chaos judges it."""

import pytest

from benchmarks.computed_again import CABLE, DATABASE, Begun, Loss, computed_again, most_again

FIRST, OTHER, FAR = 1, 2, 3
KILL = Loss(what="painter", at=10.0, over=10.0, painters=frozenset({FIRST}))
AWAY = Loss(what=DATABASE, at=20.0, over=23.0, painters=frozenset({FIRST, OTHER}))
CUT = Loss(what=CABLE, at=30.0, over=30.0, painters=frozenset({FAR}))


@pytest.mark.parametrize(
    ("times", "by"),
    [
        pytest.param([(FIRST, 9.0)], [], id="once"),
        pytest.param([(FIRST, 9.0), (OTHER, 11.0)], [KILL], id="its painter was killed"),
        pytest.param([(FIRST, 10.1), (OTHER, 11.0)], [KILL], id="in its last moment"),
        pytest.param([(OTHER, 19.0), (OTHER, 24.0)], [AWAY], id="the same painter, when the database was back"),
        pytest.param([(OTHER, 20.3), (OTHER, 24.0)], [AWAY], id="begun while it was away"),
        pytest.param([(FIRST, 9.0), (OTHER, 11.0), (FIRST, 21.0)], [KILL, AWAY], id="twice"),
        pytest.param([(FAR, 31.0), (OTHER, 61.0)], [CUT], id="cut off, it went on"),
        pytest.param([(OTHER, 61.0), (FAR, 62.0)], [CUT], id="it began what others had taken"),
        pytest.param([(OTHER, 11.0), (FIRST, 12.0)], [None], id="by nothing"),
        pytest.param([(OTHER, 24.0), (FIRST, 25.0)], [None], id="long after the database was back"),
    ],
)
def test_whose_loss_it_was(times: list[tuple[int, float]], by: list[Loss | None]) -> None:
    begun = [Begun(seed=7, process=process, at=at) for process, at in times]
    again = computed_again(begun, [KILL, AWAY, CUT])
    assert {loss: len(times) for loss, times in again.items()} == {loss: by.count(loss) for loss in by}


def test_no_loss_costs_more_than_a_lease() -> None:
    many = Loss(what="dispatcher", at=0.0, over=0.0, painters=frozenset(range(20)))
    assert (most_again(KILL, 0.3), most_again(many, 0.3), most_again(CUT, 0.3)) == (8, 33, 33)
