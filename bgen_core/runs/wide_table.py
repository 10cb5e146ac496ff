"""Every run as one wide table, straight from the database: parameters, opinions and metrics, a row for each run.

The table is kept in memory for each open store, with what each of its last visitors sees of it. Asking whether anything
was committed since, by whichever process (`Store.revision`), costs less than a millisecond, so a page may call
`run_table` on every rerun. Where something was, only runs that are new are read whole: what made a run never changes.
Opinions are few, and read anew. Metrics are most of the reading, and the worker writes them all the time: who asks may
say how old they may be.

The frame that is handed out shares its memory with the kept one; pandas copies what is written to (copy-on-write), so
nobody can change what others see.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, VisitorId
from bgen_core.metrics import LIKENESS, METRICS
from bgen_core.runs.links import run_url, thumbnail_url
from bgen_core.runs.table import FIELDS, known_memory, painting_seconds
from bgen_core.store.access import Access
from bgen_core.store.database import Database
from bgen_core.store.opinions import Opinion, opinion_of
from bgen_core.store.schema import MetricRow, OpinionRow, RunRow, TagRow, VisitorRow
from bgen_core.store.store import Store

OPINION_COLUMNS = ("rating", "notes", "tags", "mean_rating", "raters", "owner")

_ANY = "0" * 64
_MOST_ADDED = 500  # new runs that are read by their ids; of more, the whole table is read
_VISITORS_KEPT = 16  # what others see is put together again when they ask

# What tells a run from a later one with the same id: it was deleted and made again, or its lost picture was.
_Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Kept:
    """A table, and the marks of the database that its parts were read at.

    Attributes
    ----------
    runs
        The columns of `FIELDS` and the owner, in the order of `keys`.
    metrics
        The columns of `metric_columns`, by run.
    metrics_read
        When, on the monotonic clock.
    measured
        The same in the order of `keys`.
    said
        What people think of runs.
    names
        How people are called.
    seen
        Who looks -> the whole table as they see it; the last that was asked for is the last.
    """

    revision: str
    keys: list[_Key]
    runs: pd.DataFrame
    metrics: pd.DataFrame
    metrics_revision: str
    metrics_read: float
    measured: pd.DataFrame
    said: "_Said"
    names: dict[str, str]
    seen: dict[Access, pd.DataFrame]

    def serves(self, revision: str, metrics_age: float) -> bool:
        return self.revision == revision and self.has_metrics_for(revision, metrics_age)

    def has_metrics_for(self, revision: str, metrics_age: float) -> bool:
        return self.metrics_revision == revision or time.monotonic() - self.metrics_read < metrics_age


@dataclass(frozen=True, eq=False, kw_only=True)
class _Said:
    """Run -> owner, rating and note of each who said something; run -> its tags."""

    opinions: dict[str, list[tuple[VisitorId, int | None, str | None]]]
    tags: dict[str, tuple[str, ...]]


_KEPT: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()
_READING = threading.Lock()


def metric_columns() -> tuple[str, ...]:
    """Names of the columns that hold metrics; one that the run's own record has too (peak memory) is not among them."""
    taken = {field.name for field in FIELDS} | set(OPINION_COLUMNS)
    return tuple(metric.name for metric in METRICS if metric.name not in taken)


def run_table(store: Store, *, metrics_age: float = 0.0) -> pd.DataFrame:
    """All runs that whoever looks may see, newest first, numbered from 0.

    Parameters
    ----------
    metrics_age
        How many seconds old the metrics may be; all else is as it was last committed.

    Returns
    -------
    DataFrame
        The columns of `FIELDS` with what each reads from a run, then what is thought of it (see `Opinion`): `rating`
        (float64, 1 to 5 or NaN), `notes` (text, may be empty), `tags` (tuples of words in alphabetical order),
        `mean_rating` (float64), `raters` (int64); `owner`, who made it first, by their name where it is known; and one
        float64 column for each of `metric_columns`: NaN where a run was not measured at the metric's present version,
        or has no such value. `likeness` is NaN everywhere: who looks for something fills it in.
    """
    kept = _KEPT.get(store.database)
    if kept is None or not kept.serves(store.revision(), metrics_age):
        with _READING:  # of several visitors one reads, and the others get what it has read
            kept = _KEPT.get(store.database)
            revision = store.revision()  # older than what is read, never newer: a commit in between is seen next time
            if kept is None or not kept.serves(revision, metrics_age):
                kept = _KEPT[store.database] = _read(store, kept, revision, metrics_age)
    return _seen(store, kept).copy(deep=False)


def _seen(store: Store, kept: _Kept) -> pd.DataFrame:
    frame = kept.seen.get(store.access)
    if frame is None:
        with _READING:
            frame = kept.seen.get(store.access)
            if frame is None:
                frame = kept.seen[store.access] = _as_seen(store, kept)
                while len(kept.seen) > _VISITORS_KEPT:
                    del kept.seen[next(iter(kept.seen))]
    return frame


def _as_seen(store: Store, kept: _Kept) -> pd.DataFrame:
    runs, measured = kept.runs, kept.measured
    if not store.access.sees_all:
        with store.database.reading() as session:
            # Few where most is shared; rows are had faster together than one by one.
            hidden = set(session.connection().execute(sa.select(RunRow.id).where(~store.access.runs())).scalars().all())
        if hidden:
            mask = [run_id not in hidden for run_id in runs["id"].tolist()]
            runs, measured = runs[mask].reset_index(drop=True), measured[mask].reset_index(drop=True)
    owners: list[str] = runs["owner"].tolist()
    owner = pd.Series([kept.names.get(each, each) for each in owners], dtype="str", name="owner")
    opinions = _opinions(kept.said, runs["id"].tolist(), store.access.person)
    likeness = pd.Series(np.nan, runs.index, name=LIKENESS.name)
    return pd.concat([runs.drop(columns="owner"), opinions, owner, measured, likeness], axis=1)


def _read(store: Store, kept: _Kept | None, revision: str, metrics_age: float) -> _Kept:
    with store.database.reading() as session:  # one state of the database for all queries
        connection = session.connection()  # rows and no objects: a third of the time
        keys = _keys(connection)
        runs = _runs(connection, keys, kept)
        said, names = _said(connection), _names(connection)
        if kept is None or not kept.has_metrics_for(revision, metrics_age):
            metrics, metrics_revision, metrics_read = _metrics(connection), revision, time.monotonic()
        else:
            metrics, metrics_revision, metrics_read = kept.metrics, kept.metrics_revision, kept.metrics_read
    return _Kept(
        revision=revision,
        keys=keys,
        runs=runs,
        metrics=metrics,
        metrics_revision=metrics_revision,
        metrics_read=metrics_read,
        measured=metrics.reindex(runs["id"].tolist()).reset_index(drop=True),
        said=said,
        names=names,
        seen={},
    )


def _keys(connection: Connection) -> list[_Key]:
    """What there is, newest first; the moment as text, since parsing ten thousand takes longer than reading them."""
    table = RunRow.__table__.c
    query = sa.select(table.id, sa.cast(table.created, sa.Text), table.image)
    rows = connection.execute(query.order_by(table.created.desc(), table.id)).all()
    return [(run_id, created, image) for run_id, created, image in rows]


def _runs(connection: Connection, keys: list[_Key], kept: _Kept | None) -> pd.DataFrame:
    """The columns of `FIELDS` and the owner, in the order of `keys`; what is kept is not read again."""
    if kept is None or kept.runs.empty or not keys:
        return _frame(_columns(connection))
    if keys == kept.keys:
        return kept.runs
    known = {key: place for place, key in enumerate(kept.keys)}
    added = [key[0] for key in keys if key not in known]
    if len(added) > _MOST_ADDED:
        return _frame(_columns(connection))
    frame = kept.runs
    if added:
        frame = pd.concat([frame, _frame(_columns(connection, added))], ignore_index=True)
        place = {run_id: number for number, run_id in enumerate(frame["id"])}
        known |= {key: place[key[0]] for key in keys if key not in known}
    return frame.iloc[[known[key] for key in keys]].reset_index(drop=True)


def _frame(runs: Mapping[str, list[Any]]) -> pd.DataFrame:
    columns = {field.name: _column(field.name, runs) for field in FIELDS}
    return pd.DataFrame(columns | {"owner": pd.Series(runs["owner"], dtype="str")})


def _columns(connection: Connection, ids: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Column of the database -> its values for some runs or all; JSON as text, so that equal ones are parsed once."""
    table = RunRow.__table__
    selected = [sa.cast(each, sa.Text) if isinstance(each.type, sa.JSON) else each for each in table.columns]
    query = sa.select(*selected).order_by(RunRow.created.desc(), RunRow.id)
    rows = connection.execute(query if ids is None else query.where(RunRow.id.in_(ids))).all()
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in selected]
    return dict(zip(table.columns.keys(), values, strict=True))


def _said(connection: Connection) -> _Said:
    opinions: dict[str, list[tuple[VisitorId, int | None, str | None]]] = {}
    table = OpinionRow.__table__.c
    query = sa.select(table.run_id, table.owner, table.rating, table.notes)
    for run_id, owner, rating, notes in connection.execute(query).all():
        opinions.setdefault(run_id, []).append((owner, rating, notes))
    tags: dict[str, dict[str, None]] = {}
    given = TagRow.__table__.c
    for run_id, tag in connection.execute(sa.select(given.run_id, given.tag).order_by(given.run_id, given.tag)):
        tags.setdefault(run_id, {})[tag] = None
    return _Said(opinions=opinions, tags={run_id: tuple(words) for run_id, words in tags.items()})


def _names(connection: Connection) -> dict[str, str]:
    table = VisitorRow.__table__.c
    return {row.id: row.name for row in connection.execute(sa.select(table.id, table.name))}


def _opinions(said: _Said, ids: list[str], person: VisitorId) -> pd.DataFrame:
    """What is thought of these runs, as somebody reads it."""
    nothing = Opinion()
    about = [
        opinion_of(said.opinions.get(run_id, ()), said.tags.get(run_id, ()), person)
        if run_id in said.opinions or run_id in said.tags
        else nothing
        for run_id in ids
    ]
    return pd.DataFrame(
        {
            "rating": pd.Series([each.rating for each in about], dtype="float64"),
            "notes": pd.Series([each.notes for each in about], dtype="str"),
            "tags": pd.Series([each.tags for each in about], dtype="object"),
            "mean_rating": pd.Series([each.mean_rating for each in about], dtype="float64"),
            "raters": pd.Series([each.raters for each in about], dtype="int64"),
        }
    )


def _metrics(connection: Connection) -> pd.DataFrame:
    """The columns of `metric_columns` by run; the database turns rows into columns, in half the time."""
    versions = {metric.name: metric.version for metric in METRICS}
    names, table = metric_columns(), MetricRow.__table__.c
    wide = [
        sa.func.max(sa.case((sa.and_(table.name == name, table.version == versions[name]), table.value)))
        for name in names
    ]
    rows = connection.execute(sa.select(table.run_id, *wide).group_by(table.run_id)).all()
    values = np.array([row[1:] for row in rows], float).reshape(len(rows), len(names))
    return pd.DataFrame(values, columns=list(names), index=pd.Index([row[0] for row in rows], dtype="str"))


def _column(name: str, runs: Mapping[str, list[Any]]) -> pd.Series:
    """A column of `FIELDS`: most have their name in the database too."""
    make = _MADE_FROM_OTHERS.get(name)
    return pd.Series(make(runs) if make else runs[name])


def _addresses(address: str, names: list[str]) -> list[str]:
    """The address of `_ANY` for each content address: to ask 20,000 times takes a third of a second."""
    head, tail = address.split(_ANY)
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
    "seconds": lambda runs: _parsed(runs["seconds"], painting_seconds),
    "peak_memory_mb": lambda runs: [known_memory(value) for value in runs["peak_memory_mb"]],
    "size": lambda runs: _sizes(runs["width"], runs["height"]),
    "model_size": lambda runs: _sizes(runs["model_width"], runs["model_height"]),
    "versions": lambda runs: _parsed(runs["versions"], _versions),
    "thumbnail": lambda runs: _addresses(thumbnail_url(BlobHash(_ANY), 96), runs["image"]),
    "permalink": lambda runs: _addresses(run_url(_ANY), runs["id"]),
}
