"""What previews said, and what became of them: kept where somebody asked for it, and learnt from by all sweeps."""

import sqlalchemy as sa

from bgen_core.ids import SubjectId, SweepId
from bgen_core.records.early_stop import EarlyValue
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.database import Database
from bgen_core.store.schema import EarlyValueRow, RunRow

MOST_READ = 5_000  # of one kind, the newest: more say nothing new, and are read before each run


class EarlyValues:
    """The part of the store that holds them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, value: EarlyValue) -> None:
        """Keep what a run's preview said; nothing is kept of a run that is gone."""
        row = {
            "run_id": value.run_id,
            "name": value.by,
            "version": value.version,
            "steps": value.steps,
            "sweep_id": value.sweep_id,
            "foreseen": value.foreseen,
            "final": value.final,
        }
        with self._database.writing() as session:
            if session.get(RunRow, value.run_id) is None:
                return
            insert = insert_into(session, EarlyValueRow).values(row)
            session.execute(insert.on_conflict_do_update(index_elements=["run_id", "name"], set_={**row}))

    def alike(self, *, by: str, version: int, model_revision: str, steps: int) -> list[EarlyValue]:
        """Those of one kind, of runs that are still there, whoever made them; the newest first."""
        query = (
            self._query()
            .where(EarlyValueRow.name == by, EarlyValueRow.version == version)
            .where(EarlyValueRow.steps == steps, RunRow.model_revision == model_revision)
            .order_by(RunRow.created.desc(), RunRow.id)
            .limit(MOST_READ)
        )
        return self._read(query)

    def of_sweep(self, sweep_id: SweepId, *, by: str, version: int) -> list[EarlyValue]:
        """Those of a sweep's finished cells."""
        chosen = EarlyValueRow.sweep_id == sweep_id
        return self._read(self._query().where(chosen, EarlyValueRow.name == by, EarlyValueRow.version == version))

    def _query(self) -> sa.Select[EarlyValueRow, SubjectId]:
        return sa.select(EarlyValueRow, RunRow.subject_id).join(RunRow, RunRow.id == EarlyValueRow.run_id)

    def _read(self, query: sa.Select[EarlyValueRow, SubjectId]) -> list[EarlyValue]:
        with self._database.reading() as session:
            return [
                EarlyValue(
                    run_id=row.run_id,
                    sweep_id=row.sweep_id,
                    subject_id=subject_id,
                    by=row.name,
                    version=row.version,
                    steps=row.steps,
                    foreseen=row.foreseen,
                    final=row.final,
                )
                for row, subject_id in session.execute(query)
            ]
