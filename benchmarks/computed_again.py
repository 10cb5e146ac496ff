"""What was computed more than once, and by which kill: at most one lease each, and of most far less can be derived."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bgen_core.records.lease_rule import LEASE_SECONDS
from tests.sleeping import STEPS, TOGETHER

CABLE, DATABASE = "cable", "database"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One kill, or one cable that was pulled.

    Attributes
    ----------
    what
        Was killed.
    at, over
        When it began and, where a database was away, when it was back: seconds of the machine's monotonic clock.
    painters
        Processes that ended by it, or had to begin again what they had in hand.
    held_up
        Whether commits waited at that time, or shortly before, because a cable was out.
    """

    what: str
    at: float
    over: float
    painters: frozenset[int]
    held_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Begun:
    """One time that a cell was begun: by which process, and when."""

    seed: int
    process: int
    at: float


def lease_cells(step_seconds: float) -> int:
    """The most cells of one lease: a painter takes `LEASE_SECONDS` of its own rows, and a cell here has `STEPS`."""
    return round(LEASE_SECONDS * TOGETHER / step_seconds / STEPS)


def most_again(loss: Loss, step_seconds: float) -> int:
    """How many cells one loss can have computed again, in whole or in part.

    Of what a painter holds, the steps are lost of the cells that are under way, and of those that the last step ended
    and whose commit has not ended: at most as many again, since a commit takes less than the next step. No loss costs
    more than one lease. A host without its network paints on what it holds, and so does who waits for the turn of
    writers that this host has: one lease.
    """
    lease = lease_cells(step_seconds)
    return lease if loss.what == CABLE or loss.held_up else min(lease, 2 * TOGETHER * len(loss.painters))


def read_begun(files: Iterable[Path]) -> list[Begun]:
    """Of all hosts, in the order of time: one machine's namespaces have one clock."""
    lines = [line.split() for file in files if file.exists() for line in file.read_text().splitlines()]
    begun = [Begun(seed=int(seed), process=int(process), at=float(at)) for seed, process, at in lines]
    return sorted(begun, key=lambda each: each.at)


def computed_again(
    begun: Iterable[Begun], losses: Iterable[Loss]
) -> Mapping[Loss | None, Sequence[tuple[Begun, Begun]]]:
    """Loss -> each time that a cell was begun again by it, after the time before; None: by none of them."""
    by_seed: dict[int, list[Begun]] = defaultdict(list)
    for each in begun:
        by_seed[each.seed].append(each)
    again: dict[Loss | None, list[tuple[Begun, Begun]]] = defaultdict(list)
    known = list(losses)
    for times in by_seed.values():
        for first, next_one in pairwise(times):
            again[_reason(first, next_one, known)].append((first, next_one))
    return again


def _reason(first: Begun, next_one: Begun, losses: Iterable[Loss]) -> Loss | None:
    """The first loss that took a cell from its painter; else the last one before, which a painter outlived for a
    moment, or by which it was cut off."""
    before = [loss for loss in losses if loss.at < next_one.at]
    own = [loss for loss in before if first.process in loss.painters]
    after = [loss for loss in own if loss.over >= first.at]
    outlived = [loss for loss in own if loss.what != DATABASE]
    cut_off = [loss for loss in before if loss.what == CABLE and next_one.process in loss.painters]
    return next(iter([*after, *reversed(outlived), *reversed(cut_off)]), None)
