"""Runs in the store: each finished cell once, committed with both of its pictures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RawId, RunId, SubjectId, SweepId, VisitorId
from bgen_core.parameters import PARAMETERS
from bgen_core.records.png_text import metadata_chunks
from bgen_core.records.run import PaintedRun, RunRecord
from bgen_core.records.run_png import encode_run_png
from bgen_core.store.access import Access, made_by_sweeps, own_new_run, own_run
from bgen_core.store.blobs import BlobStore
from bgen_core.store.coordination.upserts import insert_of
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.removals import write_rows
from bgen_core.store.schema import CellRow, RunOwnerRow, RunRow
from bgen_core.sweep.params import InpaintParams
from bgen_core.wording import quoted

SHORTEST_PREFIX = 8


@dataclass(frozen=True, kw_only=True)
class RawOrigin:
    """How a raw picture was painted (`Finished.engine`), and on what (`MadeRun.made_on`)."""

    engine: str
    made_on: dict[str, str]


class Runs:
    """The part of the store that holds runs.

    What whoever looks may not see is not there for them; `known`, `known_raws`, `origins` and `devices_of` alone tell
    of all runs, so that nothing is computed twice.
    """

    def __init__(self, database: Database, blobs: BlobStore, access: Access) -> None:
        self._database = database
        self._blobs = blobs
        self._access = access

    def commit(self, run: PaintedRun, *, image: np.ndarray, raw_image: np.ndarray) -> RunRecord:
        """Keep a finished cell: first both pictures, then the row, so that no row ever lacks its picture.

        Parameters
        ----------
        image, raw_image
            uint8, HWC, RGB: the composited picture at the photo's size, RGBA where nothing stands behind the subject,
            and the model's output at the model's size.

        Returns
        -------
        RunRecord
            The run as it is in the store. A run that is there already stays as it was first committed.
        """
        _check_extent(image, run.extent)
        _check_extent(raw_image, run.model_extent)
        if self.known([run.id]):
            return self.get(run.id)
        pngs = [
            encode_run_png(image, metadata_chunks(run)),
            encode_run_png(raw_image, metadata_chunks(run, is_raw=True)),
        ]
        names = self._blobs.put_all(pngs)
        return self.add(run.committed(image=names[0], raw=names[1]), dict(zip(names, pngs, strict=True)))

    def commit_pasted(self, run: PaintedRun, *, image: np.ndarray, raw: BlobHash) -> RunRecord:
        """Keep a finished cell that was pasted before a raw picture of the store; see `commit`."""
        _check_extent(image, run.extent)
        if self.known([run.id]):
            return self.get(run.id)
        png = encode_run_png(image, metadata_chunks(run))
        name = self._blobs.put(png)
        return self.add(run.committed(image=name, raw=raw), {name: png})

    def add(self, record: RunRecord, pictures: Mapping[BlobHash, bytes]) -> RunRecord:
        """Write a run's row; its pictures are there before, and put again where somebody has removed them since.

        Parameters
        ----------
        pictures
            Content address -> PNG, of those that the caller has just put into the store. It has read the others, or
            found them in a row.

        The run belongs to its owner, and to those of all sweeps in whose grids it stands.

        Returns
        -------
        RunRecord
            The run as it is in the store. A run that is there already stays as it was first committed.

        Raises
        ------
        LostPictureError
            A picture was removed that the caller does not have.
        """

        def write(session: Session) -> RunRecord:
            if not _add_row(session, record):
                own_run(session, record.id, record.owner)
                made_by_sweeps(session, CellRow.run_id == record.id)
                return run_record(session.get_one(RunRow, record.id))
            own_new_run(session, record.id, record.owner, is_shared=self._access.sharing == "shared")
            return record

        put = {name: lambda png=png: png for name, png in pictures.items()}
        return write_rows(self._database, self._blobs, write, put=put, read={record.image, record.raw})

    def set_image(self, run_id: RunId, png: bytes) -> None:
        """Replace a run's finished picture, which was lost, by one that was made again."""
        name = self._blobs.put(png)

        def write(session: Session) -> None:
            row = session.get(RunRow, run_id)
            if row is not None:
                row.image = name

        write_rows(self._database, self._blobs, write, put={name: lambda: png})

    def known(self, ids: Iterable[RunId]) -> set[RunId]:
        """Which of the ids are in the store, whoever may see them."""
        found: set[RunId] = set()
        with self._database.reading() as session:
            for chunk in id_chunks(list(ids)):
                found.update(session.scalars(sa.select(RunRow.id).where(RunRow.id.in_(chunk))))
        return found

    def visible(self, ids: Iterable[RunId]) -> set[RunId]:
        """Which of the ids are in the store and seen by whoever looks."""
        found: set[RunId] = set()
        with self._database.reading() as session:
            for chunk in id_chunks(list(ids)):
                found.update(session.scalars(sa.select(RunRow.id).where(RunRow.id.in_(chunk), self._access.runs())))
        return found

    def images(self, ids: Iterable[RunId]) -> dict[RunId, tuple[BlobHash, Extent]]:
        """The finished pictures of those of the ids that whoever looks sees, with their sizes."""
        found: dict[RunId, tuple[BlobHash, Extent]] = {}
        columns = (RunRow.id, RunRow.image, RunRow.width, RunRow.height)
        with self._database.reading() as session:
            for chunk in id_chunks(list(ids)):
                rows = session.execute(sa.select(*columns).where(RunRow.id.in_(chunk), self._access.runs()))
                found |= {run_id: (image, Extent(width=width, height=height)) for run_id, image, width, height in rows}
        return found

    def known_raws(self, raw_ids: Iterable[RawId]) -> dict[RawId, BlobHash]:
        """Which raw pictures are in the store: `RunRecord.raw_id` -> content address of the PNG."""
        found: dict[RawId, BlobHash] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(list(dict.fromkeys(raw_ids))):
                rows = session.execute(sa.select(RunRow.raw_id, RunRow.raw).where(RunRow.raw_id.in_(chunk)))
                found.update((raw_id, raw) for raw_id, raw in rows)
        return found

    def origins(self, raw_ids: Iterable[RawId]) -> dict[RawId, RawOrigin]:
        """How raw pictures of the store were painted, and on what."""
        found: dict[RawId, RawOrigin] = {}
        columns = (RunRow.raw_id, RunRow.versions, RunRow.made_on)
        with self._database.reading() as session:
            for chunk in id_chunks(list(dict.fromkeys(raw_ids))):
                for raw_id, versions, made_on in session.execute(sa.select(*columns).where(RunRow.raw_id.in_(chunk))):
                    found[raw_id] = RawOrigin(engine=versions.get("engine", ""), made_on=made_on)
        return found

    def devices_of(self, sweep_id: SweepId) -> set[str]:
        """What painted the cells of a sweep that are made, as `MadeRun.device` says it."""
        cells = sa.select(CellRow.run_id).where(CellRow.sweep_id == sweep_id)
        with self._database.reading() as session:
            return set(session.scalars(sa.select(RunRow.device).distinct().where(RunRow.id.in_(cells))))

    def get(self, run_id: str) -> RunRecord:
        """One run by its id or by the beginning of its id, at least 8 digits.

        Raises
        ------
        UserInputError
            No run or more than one has this id.
        """
        with self._database.reading() as session:
            return _find(session, run_id, self._access)

    def get_all(self, ids: Sequence[str]) -> list[RunRecord]:
        """Several runs in the order of the ids, each an id or the beginning of one; see `get`."""
        full = [run_id for run_id in ids if len(run_id) == 64]
        found: dict[str, RunRecord] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(full):
                rows = session.scalars(sa.select(RunRow).where(RunRow.id.in_(chunk), self._access.runs()))
                found.update((row.id, run_record(row)) for row in rows)
            return [found.get(run_id) or _find(session, run_id, self._access) for run_id in ids]

    def select(
        self,
        *,
        sweep_id: SweepId | None = None,
        subject_id: SubjectId | None = None,
        owner: VisitorId | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[RunRecord]:
        """Runs, newest first; all of them, or those of a sweep's grid, of a subject or of an owner."""
        query = sa.select(RunRow).order_by(RunRow.created.desc(), RunRow.id).where(self._access.runs())
        if sweep_id is not None:
            query = query.where(RunRow.id.in_(sa.select(CellRow.run_id).where(CellRow.sweep_id == sweep_id)))
        if subject_id is not None:
            query = query.where(RunRow.subject_id == subject_id)
        if owner is not None:
            made = sa.select(RunOwnerRow.run_id).where(RunOwnerRow.owner == owner)
            query = query.where(RunRow.id.in_(made))
        with self._database.reading() as session:
            return [run_record(row) for row in session.scalars(query.limit(limit).offset(offset))]

    def similar(self, record: RunRecord) -> list[RunRecord]:
        """Runs of the same subject and model that differ in no parameter but the seed, by rising seed."""
        equal = [each for each in PARAMETERS if each.field != "seed"]
        query = sa.select(RunRow).where(
            RunRow.subject_id == record.subject_id,
            RunRow.model_revision == record.model_revision,
            *(getattr(RunRow, each.field) == getattr(record.params, each.field) for each in equal),
            self._access.runs(),
        )
        with self._database.reading() as session:
            return [run_record(row) for row in session.scalars(query.order_by(RunRow.seed, RunRow.id))]

    def owners(self, run_id: RunId) -> list[VisitorId]:
        """Those who made a run, in alphabetical order."""
        query = sa.select(RunOwnerRow.owner).where(RunOwnerRow.run_id == run_id).order_by(RunOwnerRow.owner)
        with self._database.reading() as session:
            return list(session.scalars(query))


def _check_extent(picture: np.ndarray, extent: Extent) -> None:
    if Extent.of(picture) != extent:
        raise ValueError(f"a picture of {Extent.of(picture)} does not fit {extent}")


def _find(session: Session, run_id: str, access: Access) -> RunRecord:
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}", run_id):
        raise UserInputError(
            f"{quoted(run_id, 80)} is not a run's id: "
            f"give its 64 hexadecimal digits, or at least {SHORTEST_PREFIX} of them."
        )
    query = sa.select(RunRow).where(RunRow.id.startswith(run_id), access.runs())
    rows = session.scalars(query.limit(2)).all()
    if not rows:
        raise UserInputError(f"No run has the id {run_id}: choose one from the compare page.")
    if len(rows) > 1:
        raise UserInputError(f"More than one run begins with {run_id}: give more digits of its id.")
    return run_record(rows[0])


def add_run_row(session: Session, record: RunRecord, owner: VisitorId, *, is_shared: bool = False) -> None:
    """Write a new run's row, and who owns it; see `RunOwnerRow`."""
    _add_row(session, record)
    own_run(session, record.id, owner, is_shared=is_shared)


def _add_row(session: Session, record: RunRecord) -> bool:
    """Write a run's row, unless it is there: whether it was new. By the table, since hundreds a second wait for it."""
    connection = session.connection()
    insert = _insert(connection.dialect.name)
    return connection.execute(insert, _columns(record), execution_options={"preserve_rowcount": True}).rowcount == 1


@cache
def _insert(dialect: str) -> sa.Insert:
    """Built once: every commit of a run waits for it."""
    return insert_of(dialect, RunRow).on_conflict_do_nothing()


def _columns(record: RunRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "created": record.created,
        "owner": record.owner,
        "subject_id": record.subject_id,
        "subject_name": record.subject_name,
        **record.params.to_json(),
        "model": record.model,
        "model_revision": record.model_revision,
        "width": record.extent.width,
        "height": record.extent.height,
        "model_width": record.model_extent.width,
        "model_height": record.model_extent.height,
        "device": record.device,
        "dtype": record.dtype,
        "versions": record.versions,
        "made_on": record.made_on,
        "seconds": record.seconds,
        "peak_memory_mb": record.peak_memory_mb,
        "image": record.image,
        "raw": record.raw,
        "raw_id": record.raw_id,
    }


def run_record(row: RunRow) -> RunRecord:
    """The run that a row describes."""
    return RunRecord(
        id=row.id,
        subject_id=row.subject_id,
        subject_name=row.subject_name,
        params=InpaintParams(**{parameter.field: getattr(row, parameter.field) for parameter in PARAMETERS}),
        model=row.model,
        model_revision=row.model_revision,
        extent=Extent(width=row.width, height=row.height),
        model_extent=Extent(width=row.model_width, height=row.model_height),
        device=row.device,
        dtype=row.dtype,
        versions=row.versions,
        made_on=row.made_on,
        seconds=row.seconds,
        peak_memory_mb=row.peak_memory_mb,
        image=row.image,
        raw=row.raw,
        raw_id=row.raw_id,
        owner=row.owner,
        created=row.created,
    )
