"""What stands beside measured values: "It is not sure that the raw picture shows a person." """

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa

from bgen_core.ids import RunId
from bgen_core.metrics import METRICS
from bgen_core.store.schema import MetricRow
from bgen_core.store.store import Store

_VERSIONS = {metric.name: metric.version for metric in METRICS}


def value_notes(store: Store, metric: str, run_ids: Collection[RunId]) -> Counter[str]:
    """Note -> how many of these runs have it beside their value of a metric; empty for what is no metric.

    As `Store.metrics.of` has them in `reason`, without reading all metrics of ten thousand runs.
    """
    wanted = set(run_ids)
    table = MetricRow.__table__.c
    query = sa.select(table.run_id, table.reason).where(
        table.name == metric,
        table.version == _VERSIONS.get(metric),
        table.value.is_not(None),
        table.reason != "",
    )
    with store.database.reading() as session:
        return Counter(reason for run_id, reason in session.execute(query) if run_id in wanted)


def notes_text(notes: Counter[str], values: int) -> str:
    """One line: "8 of 16 values carry a note: It is not sure …"; empty where no value has one.

    Parameters
    ----------
    values
        How many values there are, with a note or without.
    """
    lines = [
        f"{'All' if count == values else f'{count} of'} {values} {_carry(count, values)}: {note}"
        for note, count in sorted(notes.items(), key=lambda each: (-each[1], each[0]))
    ]
    return " ".join(lines)


def _carry(count: int, values: int) -> str:
    return f"{'value' if values == 1 else 'values'} {'carries' if count == 1 else 'carry'} a note"
