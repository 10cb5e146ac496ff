"""Measured batch sizes, kept so that each is measured once, whichever machine needs it."""

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bgen_core.errors import StoreError
from bgen_core.extent import Extent
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.database import Database
from bgen_core.store.schema import TuningRow
from bgen_core.sweep.tuning import BatchTuning, measured_by

logger = logging.getLogger(__name__)


class Tunings:
    """The part of the store that knows how fast models are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str, device_name: str) -> "StoredTunings":
        """Those of a model on a kind of device (see `tuning_name`), as far as they hold for this device and torch."""
        return StoredTunings(self._database, name, measured_by(device_name))

    def last(self, name: str, extent: Extent) -> BatchTuning | None:
        """What was measured last, by whichever device and torch: near enough for an estimate."""
        query = sa.select(TuningRow.content).where(_is_of(name, extent)).order_by(TuningRow.measured.desc())
        with self._database.reading() as session:
            return next((tuning for content in session.scalars(query) if (tuning := _tuning(content))), None)

    def bring_along(self, folder: Path) -> None:
        """Take what older versions of the program kept in files, and remove these."""
        if not folder.is_dir():
            return
        try:
            paths = sorted(folder.glob("*/*x*.json"))
        except FileNotFoundError:  # another process that opens the store now has brought them along since
            return
        for path in paths:
            size, _, by = path.stem.partition("-")
            width, _, height = size.partition("x")
            try:
                content, measured = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
                extent = Extent(width=int(width), height=int(height))
            except (OSError, ValueError):
                continue
            if (tuning := _tuning(content)) is not None:
                try:
                    _write(self._database, path.parent.name, by, extent, tuning, measured=measured)
                except StoreError:  # it may be full: the files stay for another time
                    return
        shutil.rmtree(folder, ignore_errors=True)


class StoredTunings:
    """Tunings of one model, measured by one device; a `TuningPlace`."""

    def __init__(self, database: Database, name: str, by: str) -> None:
        self._database = database
        self._name = name
        self._by = by

    def read(self, extent: Extent) -> BatchTuning | None:
        query = sa.select(TuningRow.content).where(_is_of(self._name, extent), TuningRow.measured_by == self._by)
        try:
            with self._database.reading() as session:
                return _tuning(session.scalar(query))
        except StoreError:
            logger.warning("the measured batch size cannot be read", exc_info=True)
            return None

    def write(self, extent: Extent, tuning: BatchTuning) -> None:
        """Keep a tuning; where the store does not take it, it is measured again by the next process."""
        try:
            _write(self._database, self._name, self._by, extent, tuning)
        except StoreError:
            logger.warning("the measured batch size cannot be kept", exc_info=True)


def _is_of(name: str, extent: Extent) -> sa.ColumnElement[bool]:
    return sa.and_(TuningRow.name == name, TuningRow.width == extent.width, TuningRow.height == extent.height)


def _write(
    database: Database, name: str, by: str, extent: Extent, tuning: BatchTuning, *, measured: float | None = None
) -> None:
    """Keep a tuning; one that was measured at a time given, by an older version, replaces none."""
    with database.coordinating() as session:
        insert = insert_into(session, TuningRow).values(
            name=name,
            width=extent.width,
            height=extent.height,
            measured_by=by,
            content=asdict(tuning),
            measured=database_now() if measured is None else measured,
        )
        key = [TuningRow.name, TuningRow.width, TuningRow.height, TuningRow.measured_by]
        new = {"content": insert.excluded.content, "measured": insert.excluded.measured}
        if measured is None:
            session.execute(insert.on_conflict_do_update(index_elements=key, set_=new))
        else:
            session.execute(insert.on_conflict_do_nothing(index_elements=key))


def _tuning(content: Any) -> BatchTuning | None:
    """From what is kept; None where there is nothing, or another version wrote it."""
    try:
        return BatchTuning(**content) if content else None
    except TypeError:
        return None
