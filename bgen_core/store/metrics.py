"""Metrics in the store: one row per run and metric, with the version that it was measured by."""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import RunId, SweepId
from bgen_core.metrics import MetricValue
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import CellRow, MetricRow, RunRow


class Metrics:
    """The part of the store that holds what was measured."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run_id: RunId, values: Iterable[MetricValue]) -> None:
        """Keep a run's measures; those of the same names are replaced. Nothing is kept of a run that is gone."""
        rows = [
            {
                "run_id": run_id,
                "name": value.name,
                "value": value.value,
                "reason": value.reason,
                "version": value.version,
            }
            for value in values
        ]
        with self._database.writing() as session:
            if session.get(RunRow, run_id) is None:
                return
            _delete(session, [run_id], [str(row["name"]) for row in rows])
            if rows:
                session.execute(sa.insert(MetricRow), rows)

    def forget(self, run_ids: Sequence[RunId], names: Sequence[str] | None = None) -> None:
        """Let runs count as not measured, in some metrics or in all."""
        with self._database.writing() as session:
            _delete(session, run_ids, names)

    def of(self, run_ids: Sequence[RunId]) -> dict[RunId, dict[str, MetricValue]]:
        """Run -> metric -> what was measured; runs that were never measured have no entry."""
        found: dict[RunId, dict[str, MetricValue]] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(run_ids):
                for row in session.scalars(sa.select(MetricRow).where(MetricRow.run_id.in_(chunk))):
                    value = MetricValue(name=row.name, value=row.value, reason=row.reason, version=row.version)
                    found.setdefault(row.run_id, {})[row.name] = value
        return found

    def unmeasured_runs(
        self,
        versions: Mapping[str, int],
        *,
        limit: int,
        sweep_id: SweepId | None = None,
        overcome: Mapping[str, Sequence[str]] | None = None,
    ) -> list[RunId]:
        """Runs that lack one of these metrics at its version: those that were never measured, then the oldest.

        Parameters
        ----------
        versions
            Metric -> version that counts.
        sweep_id
            Only those of one sweep's grid.
        overcome
            Metric -> beginnings of reasons that hold no longer: where there is no value for one of them, it is lacking.
        """
        current = sa.or_(
            *(
                sa.and_(
                    MetricRow.name == name, MetricRow.version == version, *_stands((overcome or {}).get(name, ()))
                )
                for name, version in versions.items()
            )
        )  # fmt: skip
        measured = (
            sa.select(sa.func.count()).where(MetricRow.run_id == RunRow.id, current).correlate(RunRow).scalar_subquery()
        )
        query = sa.select(RunRow.id).order_by(RunRow.created, RunRow.id).limit(limit)
        if sweep_id is not None:
            query = query.where(RunRow.id.in_(sa.select(CellRow.run_id).where(CellRow.sweep_id == sweep_id)))
        unknown = query.where(~sa.exists().where(MetricRow.run_id == RunRow.id))
        with self._database.reading() as session:
            found = dict.fromkeys(session.scalars(unknown))  # new pictures do not wait for thousands of old ones
            if len(found) < limit:
                found |= dict.fromkeys(session.scalars(query.where(measured < len(versions))))
            return list(found)[:limit]

    def has_reason(self, name: str, beginning: str) -> bool:
        """Whether some run has no value in a metric for a reason that begins so."""
        query = sa.select(MetricRow.run_id).where(
            MetricRow.name == name,
            MetricRow.value.is_(None),
            MetricRow.reason.startswith(beginning, autoescape=True),
        )
        with self._database.reading() as session:
            return session.scalar(query.limit(1)) is not None


def _delete(session: Session, run_ids: Sequence[RunId], names: Sequence[str] | None) -> None:
    for chunk in id_chunks(run_ids):
        query = sa.delete(MetricRow).where(MetricRow.run_id.in_(chunk))
        session.execute(query if names is None else query.where(MetricRow.name.in_(names)))


def _stands(overcome: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """That a row has a value, or none for a reason that still holds."""
    return [
        MetricRow.value.is_not(None) | ~MetricRow.reason.startswith(beginning, autoescape=True)
        for beginning in overcome
    ]  # fmt: skip
