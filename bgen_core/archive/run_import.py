"""Taking runs from another store's ZIP: all of it is looked at first, and then what is whole is taken at once."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from bgen_core.archive.archived_sweeps import CheckedSweep, TakenSweeps, add_sweeps, check_sweeps
from bgen_core.archive.foreign_zip import (
    LARGEST_TEXT,
    DamagedFileError,
    ForeignZip,
    RefusedZipError,
    open_foreign_zip,
    read_foreign_json,
)
from bgen_core.archive.manifest import MANIFEST, VERSION, ArchivedReference, ArchivedRun, ArchivedSubject, Manifest
from bgen_core.archive.possible_texts import with_possible_texts
from bgen_core.errors import BgenError, StoreError, UserInputError, reason
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId, SweepId
from bgen_core.json_value import JsonValue
from bgen_core.limits import LONGEST_NAME, ImpossibleTextError, check_text
from bgen_core.records.foreign_run import read_foreign_run
from bgen_core.records.run import RunRecord
from bgen_core.runs.recipe import PNG_LIMITS
from bgen_core.store.access import Access, own_run
from bgen_core.store.pictures import own_reference
from bgen_core.store.removals import write_rows
from bgen_core.store.runs import add_run_row
from bgen_core.store.schema import MetricRow, OpinionRow, RunRow, SubjectRow, TagRow
from bgen_core.store.store import Store
from bgen_core.store.subjects import own_subject
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_alpha, decode_foreign_photo, look_at, measure
from bgen_core.subject.decoding.image_io import DecodeLimits, PictureSizeError
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.subject import Subject
from bgen_core.wording import counted, listed, printable, quoted

_LARGEST_EDIT = 64_000_000
_MOST_VALUES = 5_000_000  # some 35,000 runs
_MOST_EDIT_VALUES = 2_000_000


@dataclass(frozen=True, kw_only=True)
class ImportedRuns:
    """What an import did: ids of the runs and sweeps that were added, and how many of the rest were added or known.

    Attributes
    ----------
    restored
        Pictures of what was known that were missing here, or cut short, and were put back.
    not_imported
        A sentence for each thing that was left out: it was damaged on the way, has a text that no store holds, or a
        picture that is larger than this one takes.
    """

    added: tuple[RunId, ...]
    known: int
    subjects_added: int
    subjects_known: int
    sweeps_added: tuple[SweepId, ...] = ()
    votes_added: int = 0
    restored: int = 0
    not_imported: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was done, for a person."""
        text = f"{counted(len(self.added), 'run')} imported"
        if self.known:
            text += f", {self.known:,} there already and left as they are"
        brought = {"subject": self.subjects_added, "sweep": len(self.sweeps_added), "blind vote": self.votes_added}
        parts = [counted(number, noun) for noun, number in brought.items() if number]
        if parts:
            text += f", with {listed(parts)}"
        if self.restored:
            text += (
                f". {counted(self.restored, 'picture')} lost here {'was' if self.restored == 1 else 'were'} put back"
            )
        return text + "."


@dataclass(frozen=True, kw_only=True)
class _NewSubject:
    """A subject that was checked and is not in the store yet."""

    described: ArchivedSubject
    extent: Extent
    edit: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _NewRun:
    """A run that was checked and is not in the store yet."""

    described: ArchivedRun
    record: RunRecord


def import_runs(store: Store, path: Path, *, limits: DecodeLimits = PNG_LIMITS) -> ImportedRuns:
    """Take the runs of a ZIP of `run_archive`, with their pictures, measures, opinions, subjects, sweeps and votes.

    What is there already stays as it is, with what people wrote beside it; pictures of it that are missing or cut short
    are put back. No sweep is put into the queue. What has a text that no store holds, as those of an older version may,
    is left out and named; so is a run or a subject one of whose files was damaged on the way or is a picture beyond the
    limits.

    Parameters
    ----------
    limits
        Of each picture in it.

    Raises
    ------
    UserInputError
        The file is no such ZIP, or something in it is missing, not what it says or not allowed; then nothing is taken.
    StoreError
        The store cannot be written; then nothing is taken.
    """
    with open_foreign_zip(path) as archive:
        manifest = _manifest(archive)
        left_out: list[str] = []
        described = list(_described(archive, manifest.runs, left_out))
        records = [run.record for run in described]
        known = store.runs.visible([record.id for record in records])
        known_subjects = {entry.id for entry in store.subjects.all()}
        unknown_subjects = {each.id: each for each in manifest.subjects if each.id not in known_subjects}
        subjects = list(_checked_subjects(archive, unknown_subjects.values(), limits, left_out))
        unknown = {run.record.id: run for run in described if run.record.id not in known}
        runs = {run.record.id: run for run in _checked_runs(archive, unknown.values(), limits, left_out)}
        present = {record.id: record for record in records if record.id in known or record.id in runs}
        try:
            sweeps = check_sweeps(manifest.sweeps, present, left_out)
        except UserInputError as error:
            raise archive.refusal(str(error)) from error
        references = dict(_checked_references(archive, manifest.references, limits, left_out))
        taken, claimed = _take(
            store,
            archive,
            subjects,
            list(runs.values()),
            sweeps,
            references,
        )
        there = [run for run in described if run.record.id in known]
        restored = _put_back(store, archive, there, manifest.subjects, left_out)
    left_out += [f"Run {run_id}: Another picture is here under its address." for run_id in claimed]
    return ImportedRuns(
        added=tuple(run_id for run_id in runs if run_id not in claimed),
        known=len({record.id for record in records} & known),
        subjects_added=len({each.described.id for each in subjects}),
        subjects_known=len({each.id for each in manifest.subjects} & known_subjects),
        sweeps_added=taken.added,
        votes_added=taken.votes,
        restored=restored,
        not_imported=tuple(left_out),
    )


def _put_back(
    store: Store,
    archive: ForeignZip,
    runs: Sequence[_NewRun],
    subjects: Sequence[ArchivedSubject],
    left_out: list[str],
) -> int:
    """Put pictures of what is here back, where the store lacks them or has them shorter or longer; how many."""
    files: dict[BlobHash, str] = {}
    visible = store.runs.visible([run.record.id for run in runs])  # still
    kept = {record.id: record for record in store.runs.get_all(sorted(visible))}
    for run in runs:
        here, described = kept.get(run.record.id), run.described
        if here is None:
            continue
        pictures = {run.record.image: described.image_file, run.record.raw: described.raw_file}
        files |= {name: file for name, file in pictures.items() if name in (here.image, here.raw)}
    entries = {entry.id: entry for entry in store.subjects.all()}
    for each in subjects:
        if (entry := entries.get(each.id)) is not None:
            pictures = {each.photo: each.photo_file, each.alpha: each.alpha_file}
            files |= {name: file for name, file in pictures.items() if name in (entry.photo, entry.alpha)}
    lengths, restored = store.blobs.sizes(files), 0
    for name, file in files.items():
        if name in lengths and lengths[name] == archive.length(file):
            continue
        try:
            store.blobs.put(archive.read_hashed(file, name))
            restored += 1
        except (UserInputError, StoreError) as error:  # the rest is taken
            left_out.append(f"Picture {name[:12]}: {_why(error)}")
    return restored


def _why(error: BgenError) -> str:
    """Why one file is left out."""
    return f"{error.why}." if isinstance(error, RefusedZipError) else error.public


def _manifest(archive: ForeignZip) -> Manifest:
    try:
        said = archive.read(MANIFEST, most=LARGEST_TEXT)
    except DamagedFileError as error:
        raise archive.refusal(str(error).rstrip(".")) from error
    try:
        content = read_foreign_json(said, most_values=_MOST_VALUES)
        version = content["version"]
        if isinstance(version, int) and version > VERSION:
            raise archive.refusal("a newer version of bgen made it: update bgen")
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise archive.refusal(f"its list of contents cannot be read ({where[:200]}: {first['msg']})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise archive.refusal(f"its list of contents cannot be read ({reason(error)})") from error


def _described(archive: ForeignZip, entries: Sequence[ArchivedRun], left_out: list[str]) -> Iterator[_NewRun]:
    for entry in entries:
        if not (entry.record.get("image") and entry.record.get("raw")):
            raise archive.refusal(f"the run {printable(str(entry.record.get('id')), 12)} in it names no pictures")
        try:
            record = read_foreign_run(json.dumps(entry.record, ensure_ascii=False), RunRecord)
        except ImpossibleTextError as error:
            left_out.append(f"Run {printable(str(entry.record.get('id')), 64)}: {error}")
            continue
        except UserInputError as error:
            raise archive.refusal(f"a run in it cannot be: {str(error).rstrip('.')}") from error
        yield _NewRun(described=entry, record=record)


def _checked_runs(
    archive: ForeignZip, runs: Iterable[_NewRun], limits: DecodeLimits, left_out: list[str]
) -> Iterator[_NewRun]:
    for run in runs:
        try:
            _check_pictures(archive, run, limits)
        except (DamagedFileError, PictureSizeError) as error:
            left_out.append(f"Run {run.record.id}: {error}")
        else:
            yield _without_impossible(run, left_out)


def _without_impossible(run: _NewRun, left_out: list[str]) -> _NewRun:
    described, told = with_possible_texts(run.described)
    left_out += [f"Run {run.record.id}: {sentence}" for sentence in told]
    return replace(run, described=described)


def _checked_subjects(
    archive: ForeignZip, entries: Iterable[ArchivedSubject], limits: DecodeLimits, left_out: list[str]
) -> Iterator[_NewSubject]:
    for entry in entries:
        try:
            check_text("The name", entry.name, LONGEST_NAME)
            yield _checked_subject(archive, entry, limits)
        except (ImpossibleTextError, DamagedFileError, PictureSizeError) as error:
            left_out.append(f"Subject {quoted(entry.name, 60)} ({entry.id[:12]}): {error}")


def _checked_subject(archive: ForeignZip, entry: ArchivedSubject, limits: DecodeLimits) -> _NewSubject:
    """The subject when its pictures are what its address stands for, and its edit is one."""
    photo = archive.read_hashed(entry.photo_file, entry.photo)
    alpha = archive.read_hashed(entry.alpha_file, entry.alpha)
    said = archive.read(entry.edit_file, most=_LARGEST_EDIT)
    try:
        edit = read_foreign_json(said, most_values=_MOST_EDIT_VALUES)
        measure(photo, name="Its photo", limits=limits)
        image = decode_foreign_photo(photo, name=entry.photo_file, limits=limits).image
        extent = Extent.of(image)
        mask = decode_foreign_alpha(alpha, name="alpha", extent=extent)
        subject = Subject(name=entry.name, image=image, alpha=mask)
        _check_edit(edit, extent)
    except PictureSizeError:
        raise
    except (ValueError, ArithmeticError) as error:
        raise archive.refusal(f"the subject {quoted(entry.name, 60)} in it cannot be read ({error})") from error
    except UserInputError as error:
        raise archive.refusal(
            f"the subject {quoted(entry.name, 60)} in it cannot be: {str(error).rstrip('.')}"
        ) from error
    if subject.id != entry.id or not entry.name.strip():
        raise archive.refusal(f"the subject {quoted(entry.name, 60)} in it is not what its address stands for")
    return _NewSubject(described=entry, extent=extent, edit=edit)


def _check_edit(edit: JsonValue, extent: Extent) -> None:
    if not isinstance(edit, Mapping):
        raise ValueError("its edit is no object")
    # What is beside the edit's own fields is kept too, and not every database has NaN.
    json.dumps(edit, allow_nan=False)
    MaskEdit.from_json(edit)
    if "given" in edit:
        decode_foreign_alpha(base64.b64decode(str(edit["given"]), validate=True), name="the mask", extent=extent)


def _check_pictures(archive: ForeignZip, run: _NewRun, limits: DecodeLimits) -> None:
    record = run.record
    limits.check_extent(record.extent, "Its picture")
    limits.check_extent(record.model_extent, "Its raw picture")
    for file, name, extent in (
        (run.described.image_file, record.image, record.extent),
        (run.described.raw_file, record.raw, record.model_extent),
    ):
        data = archive.read_hashed(file, name)
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise archive.refusal(f"{quoted(file, 120)} is no PNG")
        try:
            found = look_at(data, name=file, limits=limits).extent
        except UserInputError as error:
            raise archive.refusal(str(error).rstrip(".")) from error
        if found != extent:
            raise archive.refusal(f"{quoted(file, 120)} is {found} pixels, and its run says {extent}")


def _checked_references(
    archive: ForeignZip, entries: Sequence[ArchivedReference], limits: DecodeLimits, left_out: list[str]
) -> Iterator[tuple[BlobHash, str]]:
    """Content address -> file, of reference pictures that are what their address stands for."""
    for entry in {each.picture: each for each in entries}.values():
        try:
            decode_foreign_photo(archive.read_hashed(entry.file, entry.picture), name=entry.file, limits=limits)
        except (DamagedFileError, UserInputError) as error:
            left_out.append(f"Picture {entry.picture[:12]}: {_why(error)}")
        else:
            yield entry.picture, entry.file


def _take(
    store: Store,
    archive: ForeignZip,
    subjects: list[_NewSubject],
    runs: list[_NewRun],
    sweeps: list[CheckedSweep],
    references: Mapping[BlobHash, str],
) -> tuple[TakenSweeps, list[RunId]]:
    """What came of the sweeps, and the runs that are here with other pictures, of somebody else's."""
    files = {**references}
    files |= {run.record.image: run.described.image_file for run in runs}
    files |= {run.record.raw: run.described.raw_file for run in runs}
    files |= {each.described.photo: each.described.photo_file for each in subjects}
    files |= {each.described.alpha: each.described.alpha_file for each in subjects}
    written: list[BlobHash] = []
    try:
        for name, file in files.items():
            written.append(name)
            store.blobs.put(archive.read_hashed(file, name))

        def write(session: Session) -> tuple[TakenSweeps, list[RunId]]:
            claimed = _add_rows(session, subjects, runs, store.access)
            for name in references:
                own_reference(session, name, store.access.person)
            return add_sweeps(session, sweeps, store.access), claimed

        put = {name: partial(archive.read_hashed, file, name) for name, file in files.items()}
        taken, claimed = write_rows(store.database, store.blobs, write, put=put)
    except BaseException:
        with suppress(StoreError):  # what made it fail is told, and `store gc` finds the rest
            store.pictures.remove_unused(written)
        raise
    if claimed:
        store.pictures.remove_unused(written)
    return taken, claimed


def _add_rows(session: Session, subjects: list[_NewSubject], runs: list[_NewRun], access: Access) -> list[RunId]:
    """Write what is new, or was there for others alone: whoever has the pictures of a run or subject may own it.

    Returns the runs that are there with other pictures: their address in a file is no proof.
    """
    claimed: list[RunId] = []
    owner, is_shared = access.person, access.sharing == "shared"
    for each in subjects:
        entry = each.described
        if session.get(SubjectRow, entry.id) is None:  # saved by somebody else meanwhile
            session.add(
                SubjectRow(
                    id=entry.id,
                    created=entry.created,
                    width=each.extent.width,
                    height=each.extent.height,
                    photo=entry.photo,
                    alpha=entry.alpha,
                )
            )
            session.flush()
        own_subject(session, entry.id, access, name=entry.name.strip(), edit=each.edit, created=entry.created)
    for run in runs:
        there = session.get(RunRow, run.record.id)
        if there is not None:
            if (there.image, there.raw) == (run.record.image, run.record.raw):
                own_run(session, run.record.id, owner, is_shared=is_shared)
            else:
                claimed.append(run.record.id)
            continue
        add_run_row(session, run.record, owner, is_shared=is_shared)
        rating, notes = run.described.rating, run.described.notes.strip() or None
        if rating is not None or notes is not None:
            session.add(OpinionRow(run_id=run.record.id, owner=access.person, rating=rating, notes=notes))
        tags = {tag.strip() for tag in run.described.tags if tag.strip() and "," not in tag}
        session.add_all([TagRow(run_id=run.record.id, tag=tag, owner=access.person) for tag in sorted(tags)])
        metrics = {metric.name: metric for metric in run.described.metrics}
        session.add_all(
            [MetricRow(run_id=run.record.id, **metric.model_dump()) for metric in metrics.values()]
        )  # fmt: skip
    return claimed
