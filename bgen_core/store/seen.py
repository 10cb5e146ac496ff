"""Parts of the store as one visitor sees them: what they may see, and what they do bears their name.

Today everything is everybody's. What only its owner may see or change is limited here, and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.visitor import Visitor
from bgen_core.store.database import Database
from bgen_core.store.opinions import Opinions, Vote
from bgen_core.store.sweeps import Sweeps
from bgen_core.store.views import SavedView, Views


class SeenSweeps(Sweeps):
    """Sweeps, to which the visitor adds their own."""

    def __init__(self, database: Database, visitor: Visitor) -> None:
        super().__init__(database)
        self._visitor = visitor

    def add(self, record: SweepRecord, cell_ids: Mapping[int, RunId] | Sequence[RunId]) -> None:
        super().add(replace(record, owner=self._visitor.id), cell_ids)

    def put_first(self, sweep_id: SweepId) -> None:
        if self._visitor.role != "admin":
            raise UserInputError("Only an admin puts a sweep before everybody's turn.")
        super().put_first(sweep_id)


class SeenOpinions(Opinions):
    """Opinions, among which the visitor votes once on each pair."""

    def __init__(self, database: Database, visitor: Visitor) -> None:
        super().__init__(database)
        self._visitor = visitor

    def add_vote(self, vote: Vote) -> None:
        super().add_vote(replace(vote, voter=self._visitor.id))


class SeenViews(Views):
    """Saved views, to which the visitor adds their own."""

    def __init__(self, database: Database, visitor: Visitor) -> None:
        super().__init__(database)
        self._visitor = visitor

    def save(self, view: SavedView) -> None:
        super().save(replace(view, owner=self._visitor.id))
