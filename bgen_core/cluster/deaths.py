"""Pictures in hand when their painter died: whose cells kill for the third time fails alone, and the rest go on."""

from collections import Counter
from collections.abc import Mapping

from bgen_core.ids import RawId, WorkerId
from bgen_core.records.lease_rule import DEATHS_ALLOWED
from bgen_core.store.store import Store


class Deaths:
    """Counts deaths against what was in hand; painters get to know it, and take what has seen one alone.

    So whoever is guilty soon dies alone, and what was only beside it is never blamed: the last death that counts is one
    at which nothing else was in hand.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count: Counter[RawId] = Counter()

    @property
    def told(self) -> Mapping[RawId, int]:
        """Raw picture -> deaths that it has seen."""
        return dict(self._count)

    def note(self, worker_id: WorkerId) -> None:
        """A painter is gone: what it held is free for others."""
        held = {RawId(name) for kind, name in self._store.leases.of(worker_id) if kind == "raw"}
        in_hand = held - self._store.runs.known_raws(held).keys()  # what is made is given back with the next beat alone
        self._store.workers.lose([worker_id])
        for raw_id in in_hand:
            if len(in_hand) == 1 or self._count[raw_id] < DEATHS_ALLOWED - 1:
                self._count[raw_id] += 1
