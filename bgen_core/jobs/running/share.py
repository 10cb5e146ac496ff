"""One painter's part of a sweep that several paint: cells are taken as they are needed, by the rule of `lease_rule`."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from bgen_core.ids import RawId, SweepId
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.running.pace import Pace
from bgen_core.jobs.running.work import Work
from bgen_core.jobs.watching.painters import SPEED
from bgen_core.records.lease_rule import DEATHS_ALLOWED, is_time_to_lease, pictures_to_hold, rows_to_lease
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepCell

LOOKED_AT = 500  # raw pictures at a time, for those that are made or held
KILLS = (
    f"This cell was under way when a painter died, {DEATHS_ALLOWED} times: most likely for lack of memory. "
    "Try a smaller photo or model."
)
FIRST_CELLS = 8  # of a painter that has never painted: about a batch
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of one look for cells.

    Attributes
    ----------
    mine
        Raw picture -> the cells that share it: this painter's to paint now.
    made
        Cells that others have made meanwhile.
    """

    mine: dict[RawId, list[SweepCell]] = field(default_factory=dict[RawId, list[SweepCell]])
    made: list[SweepCell] = field(default_factory=list[SweepCell])


def settled_cells(store: Store, sweep_id: SweepId, cells: Iterable[SweepCell]) -> tuple[set[int], set[int]]:
    """Of cells, the indices of those that are made and of those that have failed."""
    made: set[int] = set()
    failed: set[int] = set()
    indices = iter([cell.index for cell in cells])
    while some := list(islice(indices, LOOKED_AT)):
        rows = store.sweeps.cells(sweep_id, some)
        made |= {row.index for row in rows if row.is_final}
        failed |= {row.index for row in rows if row.error and not row.is_final}
    return made, failed


class Share:
    """What a painter has in common with the others at its sweeps.

    Parameters
    ----------
    store, member
        Where it is seen who paints what, and who this is.
    deaths
        Gives, by raw picture, how many painters died with it in hand: it is painted alone, when nothing else is left,
        and after `DEATHS_ALLOWED` not at all.
    """

    def __init__(
        self,
        store: Store,
        member: Member,
        *,
        deaths: Callable[[], Mapping[RawId, int]] = dict,
    ) -> None:
        self._store = store
        self._member = member
        self.deaths = deaths
        self.pace = Pace()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="take-cells")
        # Painters begin at different places: they seldom want the same cells, and each keeps its model.
        self._place = int(member.id, 16) % 1009 / 1009

    def rotated(self, things: Sequence[_Thing]) -> list[_Thing]:
        """Things in the order in which this painter takes them."""
        begin = int(self._place * len(things))
        return [*things[begin:], *things[:begin]]

    def speed_together(self, sweep_id: SweepId) -> float:
        """Rows a second of all that paint a sweep now."""
        others = (
            each.status.counts.get(SPEED, 0.0)
            for each in self._store.workers.serving()
            if each.id != self._member.id and each.status.sweep_id == sweep_id and each.is_alive
        )
        return self.pace.rows_per_second + sum(others)


def neighbours(sharing: Mapping[RawId, Sequence[SweepCell]]) -> list[RawId]:
    """Raw pictures in the plan's order, but those together that differ in guidance alone.

    The engine evaluates their first step once for all of them, which one painter cannot do for another.
    """
    alike: dict[Hashable, list[RawId]] = {}
    for raw_id, (first, *_) in sharing.items():
        alike.setdefault((first.subject_id, first.params.but_guidance), []).append(raw_id)
    return [raw_id for group in alike.values() for raw_id in group]


class SharedCells:
    """Cells of one model and size, of which a painter takes its part, as often as it needs some.

    Parameters
    ----------
    rows
        Evaluations of the network that each raw picture takes.

    Attributes
    ----------
    left
        Those that this painter has not taken, and of which it does not know that they are made.
    """

    def __init__(
        self,
        share: Share,
        store: Store,
        claims: PaintingClaims,
        work: Work,
        sharing: Mapping[RawId, list[SweepCell]],
        rows: Mapping[RawId, float],
    ) -> None:
        self._share = share
        self._store = store
        self._claims = claims
        self._work = work
        self._rows = rows
        self._mean = sum(rows.values()) / max(1, len(rows))
        self._pending: Future[Taken] | None = None
        self._together = 0
        self.left = {raw_id: sharing[raw_id] for raw_id in share.rotated(neighbours(sharing))}

    @property
    def mean_rows(self) -> float:
        """Of one raw picture."""
        return self._mean

    def rows_of(self, raw_ids: Iterable[RawId]) -> float:
        return sum(self._rows[raw_id] for raw_id in raw_ids if raw_id in self._rows)

    def pictures_to_hold(self, begun: int) -> int:
        """How many painted ones may wait for their commits while so many are under way."""
        self._together = max(self._together, begun)
        speed = self._share.pace.rows_per_second
        return pictures_to_hold(speed=speed, mean_rows=self._mean, begun=begun, together=self._together)

    def take(self, rows_in_hand: float) -> Taken:
        """Take this painter's part of what is free, or what was asked for by `ready` and has come since.

        Raises
        ------
        StoreError
            The store cannot be asked.
        """
        pending, self._pending = self._pending, None
        return self._take(rows_in_hand) if pending is None else pending.result()

    def ready(self, *, rows_unbegun: float, rows_begun: float, rows_in_hand: float) -> Taken | None:
        """The same while painting goes on: None where no more is needed yet, or the store has not answered yet."""
        if self._pending is None:
            speed = self._share.pace.rows_per_second
            if self.left and is_time_to_lease(speed=speed, rows_unbegun=rows_unbegun, rows_begun=rows_begun):
                self._pending = self._share.thread.submit(self._take, rows_in_hand)
            return None
        return self.take(rows_in_hand) if self._pending.done() else None

    def give_back(self) -> None:
        """Nothing more is to be painted: what was asked for and has not been told is not wanted any more."""
        if self._pending is not None:
            self._claims.release(self.take(0.0).mine)

    def _take(self, rows_in_hand: float) -> Taken:
        taken = Taken()
        try:
            self._take_into(taken, rows_in_hand)
        except BaseException:
            self._claims.release(taken.mine)  # nobody gets to know of it
            raise
        return taken

    def _take_into(self, taken: Taken, rows_in_hand: float) -> None:
        rows = self._rows_to_take(rows_in_hand)
        suspected = self._suspected()
        self._condemn(suspected)
        names = iter([raw_id for raw_id in self.left if raw_id not in suspected])
        while rows > 0 and (some := list(islice(names, LOOKED_AT))):
            self._leave_settled(some, taken)
            for raw_id in self._claimed(some, rows):
                rows -= self._rows[raw_id]
                taken.mine[raw_id] = self.left.pop(raw_id)
        if suspected and not taken.mine and rows_in_hand <= 0:
            self._leave_settled(list(suspected), taken)
            for raw_id in islice(self._claimed(list(suspected), 1.0), 1):
                taken.mine[raw_id] = self.left.pop(raw_id)
        self._give_back_settled(taken)

    def _rows_to_take(self, rows_in_hand: float) -> float:
        speed, mean = self._share.pace.rows_per_second, self.mean_rows
        rows = rows_to_lease(
            speed=speed,
            speed_together=self._share.speed_together(self._work.sweep_id),
            rows_left=self._store.sweeps.missing(self._work.sweep_id) * mean,
            rows_free=mean * len(self.left),
            rows_in_hand=rows_in_hand,
        )
        return FIRST_CELLS * mean if rows > 0 and speed <= 0 else rows

    def _suspected(self) -> dict[RawId, int]:
        return {raw_id: deaths for raw_id, deaths in self._share.deaths().items() if raw_id in self.left}

    def _condemn(self, suspected: dict[RawId, int]) -> None:
        """Fail the cells that nobody survives."""
        for raw_id, deaths in list(suspected.items()):
            if deaths >= DEATHS_ALLOWED:
                for cell in self.left.pop(raw_id):
                    self._store.sweeps.set_cell_error(self._work.sweep_id, cell.index, KILLS)
                del suspected[raw_id]

    def _claimed(self, names: Sequence[RawId], rows: float) -> Iterator[RawId]:
        """Claim in their order until there are so many rows, or nothing of them is free."""
        untried = iter([raw_id for raw_id in names if raw_id in self.left])
        while rows > 0:
            asked: list[RawId] = []
            while self.rows_of(asked) < rows and (raw_id := next(untried, None)) is not None:
                asked.append(raw_id)
            if not asked:
                return
            got = self._claims.claim(asked)
            rows -= self.rows_of(got)
            yield from (raw_id for raw_id in asked if raw_id in got)

    def _leave_settled(self, names: Collection[RawId], taken: Taken) -> None:
        """Leave what others have made, or failed to make."""
        made, failed = self._settled(cell for raw_id in names for cell in self.left[raw_id])
        for raw_id in names:
            taken.made.extend(cell for cell in self.left[raw_id] if cell.index in made)
            self.left[raw_id] = [cell for cell in self.left[raw_id] if cell.index not in made | failed]
            if not self.left[raw_id]:
                del self.left[raw_id]

    def _give_back_settled(self, taken: Taken) -> None:
        """Of what was taken, give back what somebody had made and let go a moment before."""
        made, failed = self._settled(cell for cells in taken.mine.values() for cell in cells)
        for raw_id, cells in list(taken.mine.items()):
            taken.made.extend(cell for cell in cells if cell.index in made)
            taken.mine[raw_id] = [cell for cell in cells if cell.index not in made | failed]
            if not taken.mine[raw_id]:
                del taken.mine[raw_id]
                self._claims.release([raw_id])

    def _settled(self, cells: Iterable[SweepCell]) -> tuple[set[int], set[int]]:
        return settled_cells(self._store, self._work.sweep_id, cells)
