"""What is done beside painting: in which order, how often, and what a kind of it that fails costs the others."""

from pathlib import Path

import pytest

from bgen_core.errors import StoreError
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.running.side_work import LET_ALONE_SECONDS, SideWork, SideWorks


class Doing:
    """Work that a test gives out."""

    def __init__(self) -> None:
        self.left = 0
        self.asked = 0
        self.fault: Exception | None = None

    def __call__(self) -> bool:
        self.asked += 1
        if self.fault:
            raise self.fault
        self.left -= 1
        return self.left >= 0


def test_a_kind_that_fails_costs_the_others_nothing_and_is_tried_again(tmp_path: Path) -> None:
    now, faults = [100.0], BackgroundFaults(tmp_path)
    first, second = Doing(), Doing()
    works = SideWorks(
        [SideWork(what="Races", do=first), SideWork(what="Measuring", do=second, every=3.0)],
        faults,
        clock=lambda: now[0],
    )
    first.fault, second.left = KeyError("a row of another version"), 2
    assert [works.do_some() for _ in range(3)] == [True, True, False]
    assert [(fault.what, fault.text) for fault in faults.all()] == [("Races", "It failed (KeyError): see worker.log.")]
    works.make_due()
    assert not works.do_some()
    assert (first.asked, second.asked) == (1, 4)  # looked at anew, but what failed is let alone
    first.fault, first.left = None, 1
    now[0] += LET_ALONE_SECONDS
    assert works.do_some()
    assert faults.all() == []


def test_a_kind_is_looked_at_now_and_then_and_at_once_where_there_was_something(tmp_path: Path) -> None:
    now, doing = [0.0], Doing()
    works = SideWorks(
        [SideWork(what="Measuring", do=doing, every=3.0)], BackgroundFaults(tmp_path), clock=lambda: now[0]
    )
    doing.left = 1
    assert [works.do_some() for _ in range(4)] == [True, False, False, False]
    assert doing.asked == 2
    now[0] = 3.0
    works.do_some()
    assert doing.asked == 3


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    doing = Doing()
    doing.fault = StoreError("away")
    with pytest.raises(StoreError):
        SideWorks([SideWork(what="Measuring", do=doing)], BackgroundFaults(tmp_path)).do_some()
