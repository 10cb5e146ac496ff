"""Which runs have been copied to another place: what is missing there is copied later."""

from collections.abc import Collection

import sqlalchemy as sa

from bgen_core.ids import RunId
from bgen_core.store.database import Database
from bgen_core.store.schema import CopyRow, MetricRow, RunRow


class Copies:
    """The part of the store that knows of copies elsewhere. A place is named by its address, without a password."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def missing(self, place: str, *, after: Collection[RunId] = ()) -> RunId | None:
        """The oldest run that is measured and has no copy at a place; those of `after` only where there is no other."""
        query = (
            sa.select(RunRow.id)
            .where(sa.exists().where(MetricRow.run_id == RunRow.id))
            .where(~sa.exists().where(CopyRow.run_id == RunRow.id, CopyRow.place == place))
            .order_by(RunRow.created, RunRow.id)
            .limit(len(after) + 1)
        )
        with self._database.reading() as session:
            found = session.scalars(query).all()
        return next((run_id for run_id in found if run_id not in after), next(iter(found), None))

    def note(self, run_id: RunId, place: str) -> None:
        """Say that a run is copied there with all of its measures; nothing is kept of a run that is gone."""
        with self._database.writing() as session:
            if session.get(RunRow, run_id) is not None:
                session.merge(CopyRow(run_id=run_id, place=place))

    def forget(self, run_id: RunId) -> None:
        """Let a run count as not copied, since it has changed."""
        with self._database.writing() as session:
            session.execute(sa.delete(CopyRow).where(CopyRow.run_id == run_id))
