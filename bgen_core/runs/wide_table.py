"""Every run as one wide table, straight from the database: parameters, opinions and metrics, a row for each run.

The table is kept in memory for each open store and read again only when something was committed since, by whichever
process: `Store.revision` is the mark, and asking for it costs less than a millisecond. A page may therefore call
`run_table` on every rerun, and key caches of its own (filtered rows, charts) by `store.revision()`.

The frame that is handed out shares its memory with the kept one; pandas copies what is written to (copy-on-write), so
nobody can change what others see.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bgen_core.extent import Extent
from bgen_core.runs.links import run_url, thumbnail_url
from bgen_core.runs.metrics import METRICS
from bgen_core.runs.schema import MetricRow, RunRow, TagRow
from bgen_core.runs.store import Store
from bgen_core.runs.table import FIELDS

_ANY_HASH = "0" * 64
OPINION_COLUMNS = ("rating", "notes", "tags", "owner")


@dataclass(frozen=True, eq=False)
class _Kept:
    """A table, and the mark of the database that it was read from."""

    revision: str
    frame: pd.DataFrame


_KEPT: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()
_READING = threading.Lock()


def metric_columns() -> tuple[str, ...]:
    """Names of the columns that hold metrics; one that the run's own record has too (peak memory) is not among them."""
    taken = {field.name for field in FIELDS} | set(OPINION_COLUMNS)
    return tuple(metric.name for metric in METRICS if metric.name not in taken)


def run_table(store: Store) -> pd.DataFrame:
    """All runs, newest first, numbered from 0.

    Returns
    -------
    DataFrame
        The columns of `FIELDS` as `table.run_frame` has them, then `rating` (float64, 1 to 5 or NaN), `notes` (text,
        may be empty), `tags` (tuples of words in alphabetical order), `owner`, and one float64 column for each of
        `metric_columns`: NaN where a run was not measured at the metric's present version, or has no such value.
    """
    revision = store.revision()
    kept = _KEPT.get(store)
    if kept is None or kept.revision != revision:
        with _READING:  # of several visitors one reads, and the others get what it has read
            kept = _KEPT.get(store)
            if kept is None or kept.revision != revision:
                # The mark is older than what is read, never newer: a commit in between is seen the next time.
                kept = _KEPT[store] = _Kept(store.revision(), _read(store))
    return kept.frame.copy(deep=False)


def _read(store: Store) -> pd.DataFrame:
    with store.database.reading() as session:  # one state of the database for all three queries
        connection = session.connection()  # rows and no objects: a third of the time
        runs, tags = _runs(connection), _tags(connection)
        metrics = _metrics(connection, runs["id"])
    columns = {field.name: _column(field.name, runs) for field in FIELDS}
    ids = runs["id"]
    columns["rating"] = pd.Series(runs["rating"], dtype="float64")
    columns["notes"] = pd.Series([text or "" for text in runs["notes"]], dtype="str")
    columns["tags"] = pd.Series([tags.get(run_id, ()) for run_id in ids], dtype="object")
    columns["owner"] = pd.Series(runs["owner"], dtype="str")
    return pd.concat([pd.DataFrame(columns), metrics], axis=1)


def _runs(connection: Connection) -> dict[str, list[Any]]:
    """Column of the database -> its values; JSON as text, so that equal ones are parsed once."""
    table = RunRow.__table__
    selected = [sa.cast(each, sa.Text) if isinstance(each.type, sa.JSON) else each for each in table.columns]
    rows = connection.execute(sa.select(*selected).order_by(RunRow.created.desc(), RunRow.id)).all()
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in selected]
    return dict(zip(table.columns.keys(), values, strict=True))


def _tags(connection: Connection) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    table = TagRow.__table__.c
    for run_id, tag in connection.execute(sa.select(table.run_id, table.tag).order_by(table.run_id, table.tag)):
        found[run_id] = (*found.get(run_id, ()), tag)
    return found


def _metrics(connection: Connection, ids: list[str]) -> pd.DataFrame:
    """The columns of `metric_columns` for these runs; the database turns rows into columns, in half the time."""
    versions = {metric.name: metric.version for metric in METRICS}
    names, table = metric_columns(), MetricRow.__table__.c
    wide = [
        sa.func.max(sa.case((sa.and_(table.name == name, table.version == versions[name]), table.value)))
        for name in names
    ]
    rows = connection.execute(sa.select(table.run_id, *wide).group_by(table.run_id)).all()
    values = np.full((len(ids), len(names)), np.nan)
    place = {run_id: number for number, run_id in enumerate(ids)}
    values[[place[row[0]] for row in rows]] = np.array([row[1:] for row in rows], float).reshape(len(rows), len(names))
    return pd.DataFrame(values, columns=list(names))


def _column(name: str, runs: Mapping[str, list[Any]]) -> pd.Series:
    """A column of `FIELDS`: most have their name in the database too."""
    make = _MADE_FROM_OTHERS.get(name)
    return pd.Series(make(runs) if make else runs[name])


def _addresses(address: Callable[[str], str], names: list[str]) -> list[str]:
    """`address` of each content address; it is asked once, since 20,000 questions take a third of a second."""
    head, tail = address(_ANY_HASH).split(_ANY_HASH)
    return [f"{head}{name}{tail}" for name in names]


def _parsed(texts: list[str], read: Callable[[Any], Any]) -> list[Any]:
    known = {text: read(json.loads(text)) for text in set(texts)}
    return [known[text] for text in texts]


def _sizes(widths: list[int], heights: list[int]) -> list[str]:
    known = {pair: str(Extent(width=pair[0], height=pair[1])) for pair in set(zip(widths, heights, strict=True))}
    return [known[pair] for pair in zip(widths, heights, strict=True)]


def _versions(content: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(content.items()))


_MADE_FROM_OTHERS: Mapping[str, Callable[[Mapping[str, list[Any]]], list[Any]]] = {
    "subject": lambda runs: runs["subject_name"],
    "seconds": lambda runs: _parsed(runs["seconds"], lambda stages: round(sum(stages.values()), 3)),
    "peak_memory_mb": lambda runs: [round(value, 1) for value in runs["peak_memory_mb"]],
    "size": lambda runs: _sizes(runs["width"], runs["height"]),
    "model_size": lambda runs: _sizes(runs["model_width"], runs["model_height"]),
    "versions": lambda runs: _parsed(runs["versions"], _versions),
    "thumbnail": lambda runs: _addresses(lambda image: thumbnail_url(image, 96), runs["image"]),
    "permalink": lambda runs: _addresses(run_url, runs["id"]),
}
