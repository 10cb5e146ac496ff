"""Runs as a ZIP that another store can import, and that everybody else can open: see `manifest.py`."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import bgen_core
from bgen_core.archive.archived_sweeps import archived_sweeps, check_sweep
from bgen_core.archive.manifest import (
    FORMAT,
    MANIFEST,
    NOT_INCLUDED,
    TABLE,
    VERSION,
    ArchivedMetric,
    ArchivedReference,
    ArchivedRun,
    ArchivedSubject,
    ArchivedSweep,
    Manifest,
)
from bgen_core.archive.possible_texts import with_possible_texts
from bgen_core.archive.zip_outlet import ZipOutlet
from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import BlobHash, SubjectId, SweepId
from bgen_core.limits import LONGEST_NAME, MOST_TAGS, check_text
from bgen_core.metrics import MetricValue
from bgen_core.records.foreign_run import check_portable
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import CSV_ENCODING, runs_csv
from bgen_core.runs.file_names import file_names
from bgen_core.runs.recipe import PNG_LIMITS
from bgen_core.store.opinions import Opinion
from bgen_core.store.references import references_of
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.wording import quoted


class _Archive:
    """A ZIP in the making: every file once, whoever needs it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._written: set[str] = set()

    def add(self, name: str, data: bytes, moment: datetime, *, shrink: bool = False) -> None:
        if name in self._written:
            return
        self._written.add(name)
        year, *rest = moment.astimezone(UTC).timetuple()[:6]
        entry = zipfile.ZipInfo(name, (min(max(1980, year), 2107), *rest))  # type: ignore[arg-type]
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, data, zipfile.ZIP_DEFLATED if shrink else zipfile.ZIP_STORED)


def run_archive(store: Store, ids: Sequence[str], *, limits: DecodeLimits = PNG_LIMITS) -> Iterator[bytes]:
    """Pieces of the ZIP, one picture in memory at a time.

    The sweeps in whose grids the runs stand come along whole, with the votes between two of the runs. A run whose
    pictures are not in the store any more is left out and listed with the reason in `not-included.txt`; so is a subject
    that was deleted: its runs are there, but cannot be made again from the ZIP alone. A run that lacks nothing but its
    raw picture, has a text that no other store holds, or a picture that an import with the same limits would refuse, is
    there for people, and not for another store. Notes, tags and measures that cannot be held are left out by
    themselves.

    Parameters
    ----------
    ids
        Runs in the order of the table, each an id or the beginning of one.
    limits
        Of each picture, as for an import.

    Raises
    ------
    UserInputError
        There is no run of one of these ids; raised by the call, not by the first piece.
    """
    runs = list({run.id: run for run in store.runs.get_all(ids)}.values())
    return archive_pieces(store, runs, limits=limits)


def archive_pieces(
    store: Store,
    runs: Sequence[RunRecord],
    *,
    limits: DecodeLimits,
    sweep_id: SweepId | None = None,
    not_included: Sequence[str] = (),
) -> Iterator[bytes]:
    """See `run_archive`.

    Parameters
    ----------
    sweep_id
        A sweep that comes along even if none of the runs stands in it.
    not_included
        First lines of `not-included.txt`.
    """
    ids = [run.id for run in runs]
    metrics, opinions = store.metrics.of(ids), store.opinions.of(ids)
    outlet, missing = ZipOutlet(), list(not_included)
    names = file_names(runs)
    kept: list[ArchivedRun] = []
    records: list[RunRecord] = []
    subjects: list[ArchivedSubject] = []
    with zipfile.ZipFile(outlet, "w") as opened:
        archive = _Archive(opened)
        for run in runs:
            entry, told = with_possible_texts(
                _archived(run, names[run.id], metrics.get(run.id, {}), opinions.get(run.id, Opinion()))
            )
            missing += [f"Run {run.id}: {sentence}" for sentence in told]
            tags = len(opinions.get(run.id, Opinion()).tags)
            if tags > MOST_TAGS:  # an older version took more
                missing.append(f"Run {run.id}: {tags - MOST_TAGS:,} of its {tags:,} tags.")
            try:
                archive.add(entry.image_file, store.blobs.get(run.image), run.created)
                records.append(run)
                archive.add(entry.raw_file, store.blobs.get(run.raw), run.created)
                check_portable(run)
                limits.check_extent(run.extent, "Its picture")
                limits.check_extent(run.model_extent, "Its raw picture")
                kept.append(entry)
            except (LostPictureError, UserInputError) as error:
                missing.append(f"Run {run.id}: {error.public}")
            yield outlet.take()
        for subject in _add_subjects(archive, store, records, limits, missing):
            subjects.append(subject)
            yield outlet.take()
        importable = {entry.record["id"] for entry in kept}
        sweeps = _sweeps(store, [run for run in records if run.id in importable], sweep_id, missing)
        references = list(_add_references(archive, store, records, sweeps, missing))
        yield outlet.take()
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            made_by=f"bgen {bgen_core.__version__}",
            subjects=subjects,
            runs=kept,
            sweeps=sweeps,
            references=references,
        )
        now = datetime.now(UTC)
        table = runs_csv(records, metrics=metrics, opinions=opinions)
        archive.add(TABLE, table.encode(CSV_ENCODING, "replace"), now, shrink=True)
        archive.add(MANIFEST, manifest.model_dump_json(indent=1).encode(), now, shrink=True)
        if missing:
            archive.add(NOT_INCLUDED, ("\n".join(missing) + "\n").encode(errors="replace"), now, shrink=True)
    yield outlet.take()


def _add_subjects(
    archive: _Archive, store: Store, records: Sequence[RunRecord], limits: DecodeLimits, missing: list[str]
) -> Iterator[ArchivedSubject]:
    """Subjects of the runs, each once; why one is not there is said in `missing`."""
    saved = {each.id for each in store.subjects.all()}
    for subject_id, name in {run.subject_id: run.subject_name for run in records}.items():
        said = f"Subject {quoted(name, 60)} ({subject_id[:12]})"
        if subject_id not in saved:
            missing.append(f"{said}: It was deleted; its runs are here.")
            continue
        try:
            yield _add_subject(archive, store, subject_id, limits)
        except (UserInputError, LostPictureError) as error:  # deleted this moment, or its pictures are gone
            missing.append(f"{said}: {error.public}")


def _add_references(
    archive: _Archive,
    store: Store,
    runs: Sequence[RunRecord],
    sweeps: Sequence[ArchivedSweep],
    missing: list[str],
) -> Iterator[ArchivedReference]:
    """The reference and background pictures of the runs, and of the sweeps' plans, which going on with them needs."""
    named = {BlobHash(name): run.created for run in runs for name in run.params.pictures}
    named = {name: sweep.created for sweep in sweeps for name in sorted(references_of(sweep.plan))} | named
    for name, moment in named.items():
        described = ArchivedReference(picture=name, file=f"references/{name}.png")
        try:
            archive.add(described.file, store.blobs.get(name), moment)
            yield described
        except LostPictureError as error:
            missing.append(f"Picture {name[:12]}: {error.public}")


def _sweeps(store: Store, runs: Sequence[RunRecord], also: SweepId | None, missing: list[str]) -> list[ArchivedSweep]:
    """The sweeps of these runs, without those that no store would take."""
    present = {run.id: run for run in runs}
    sweeps: list[ArchivedSweep] = []
    for sweep in archived_sweeps(store, list(present), also=also):
        try:
            check_sweep(sweep, present)
        except UserInputError as error:
            missing.append(f"Sweep {quoted(sweep.title, 60)} ({sweep.id}): {error}")
        else:
            sweeps.append(sweep)
    return sweeps


def _archived(run: RunRecord, name: str, metrics: Mapping[str, MetricValue], opinion: Opinion) -> ArchivedRun:
    return ArchivedRun(
        record=run.to_json(),
        image_file=f"pictures/{name}_{run.image[:8]}.png",
        raw_file=f"raw/{run.raw}.png",
        metrics=[
            ArchivedMetric(name=each.name, value=each.value, reason=each.reason, version=each.version)
            for each in metrics.values()
        ],
        rating=opinion.rating,
        notes=opinion.notes,
        tags=list(opinion.tags)[:MOST_TAGS],
    )


def _add_subject(archive: _Archive, store: Store, subject_id: SubjectId, limits: DecodeLimits) -> ArchivedSubject:
    entry, edit = store.subjects.get(subject_id), store.subjects.load_edit(subject_id)
    check_text("The name", entry.name, LONGEST_NAME)
    limits.check_extent(entry.extent, "Its photo")
    photo, alpha = store.blobs.get(entry.photo), store.blobs.get(entry.alpha)
    described = ArchivedSubject(
        id=entry.id,
        name=entry.name,
        created=entry.created,
        photo=entry.photo,
        photo_file=f"subjects/{entry.photo}.png",
        alpha=entry.alpha,
        alpha_file=f"subjects/{entry.alpha}.png",
        edit_file=f"subjects/{entry.id}.json",
    )
    archive.add(described.photo_file, photo, entry.created)
    archive.add(described.alpha_file, alpha, entry.created)
    archive.add(described.edit_file, json.dumps(edit).encode(), entry.created, shrink=True)
    return described
