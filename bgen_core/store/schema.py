"""The store's tables. A change here needs a migration in `migrations/versions` and its number in `SCHEMA_VERSION`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, LargeBinary, String, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from bgen_core.ids import BlobHash, LinkId, RawId, RunId, SubjectId, SweepId, VisitorId, WorkerId

SCHEMA_VERSION = "0024"


class UTCDateTime(TypeDecorator[datetime]):
    """Points in time, always in UTC: SQLite drops the zone, PostgreSQL puts its server's in its place."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without its zone: {value}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Root of the tables."""

    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy under this name
        datetime: UTCDateTime,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        dict[str, float]: JSON,
    }


class SubjectRow(Table):
    """A photo with its alpha; both pictures lie under their content address."""

    __tablename__ = "subjects"

    id: Mapped[SubjectId] = mapped_column(String(64), primary_key=True)
    created: Mapped[datetime] = mapped_column(index=True)
    width: Mapped[int]
    height: Mapped[int]
    photo: Mapped[BlobHash] = mapped_column(String(64), index=True)
    alpha: Mapped[BlobHash] = mapped_column(String(64), index=True)


class SubjectOwnerRow(Table):
    """Somebody who saved a subject: under which name, how they made its mask, and who may see it."""

    __tablename__ = "subject_owners"

    subject_id: Mapped[SubjectId] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True, index=True)
    created: Mapped[datetime]
    name: Mapped[str] = mapped_column(Text)
    edit: Mapped[dict[str, Any]]
    sharing: Mapped[str] = mapped_column(String(16))


class SweepRow(Table):
    """A plan and how far it has come. `started` is when it was last taken from the queue, or gave way to others.

    Sweeps of one owner are served by rising `place`; below 0, before all others. `expected_seconds` is the forecast at
    submission, if there was one; `explored` names the sweep whose best cells this one finishes. What an imported one
    says of its cells was read from a file, so it makes nobody an owner.
    """

    __tablename__ = "sweeps"
    __table_args__ = (Index("ix_sweeps_state_created", "state", "created"),)

    id: Mapped[SweepId] = mapped_column(String(64), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), index=True)
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    plan: Mapped[dict[str, Any]]
    subject_id: Mapped[SubjectId] = mapped_column(String(64), index=True)
    total: Mapped[int]
    message: Mapped[str] = mapped_column(Text)
    place: Mapped[float]
    expected_seconds: Mapped[float | None]
    explored: Mapped[SweepId | None] = mapped_column(String(64))
    sharing: Mapped[str] = mapped_column(String(16))
    viewers_vote: Mapped[bool]
    is_imported: Mapped[bool]
    early_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    early_stops: Mapped[bool] = mapped_column(default=False, server_default=false())
    early_note: Mapped[str] = mapped_column(Text, default="", server_default="")


class SweepSubjectRow(Table):
    """A subject that a sweep's plan names, whether it is saved or not."""

    __tablename__ = "sweep_subjects"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[SubjectId] = mapped_column(String(64), primary_key=True, index=True)


class OpenedLinkRow(Table):
    """Somebody who opened a sweep that is shared by its link: they see it for as long as it is."""

    __tablename__ = "opened_links"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    visitor: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)


class LinkRow(Table):
    """A read-only link; see `Link`."""

    __tablename__ = "links"

    id: Mapped[LinkId] = mapped_column(String(64), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), index=True)
    created: Mapped[datetime]
    until: Mapped[datetime | None]
    is_revoked: Mapped[bool]
    sweep_id: Mapped[SweepId | None] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), index=True)
    run_ids: Mapped[list[str]] = mapped_column(JSON)
    title: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    may_vote: Mapped[bool]


class CellRow(Table):
    """One place of a sweep's grid and the run that belongs there, whether it is made or not.

    Until `is_settled` another seed may take the run's place: see `AttemptRow`.
    """

    __tablename__ = "sweep_cells"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    cell_index: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[RunId] = mapped_column(String(64), index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    is_settled: Mapped[bool] = mapped_column(default=True)
    early: Mapped[str] = mapped_column(String(8), default="", server_default="")


class AttemptRow(Table):
    """One seed that was tried for a cell, counted from 0; `expansion` is None until it is measured."""

    __tablename__ = "cell_attempts"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    cell_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[RunId] = mapped_column(String(64), index=True)
    expansion: Mapped[float | None]


class RunRow(Table):
    """One finished cell with everything that made it; `InpaintParams` field by field, so that each can be filtered.

    `raw_id` is the content address of what the diffusion model made: runs that differ in nothing but how the subject is
    pasted back share it.
    """

    __tablename__ = "runs"

    id: Mapped[RunId] = mapped_column(String(64), primary_key=True)
    created: Mapped[datetime] = mapped_column(index=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), index=True)
    subject_id: Mapped[SubjectId] = mapped_column(String(64), index=True)
    subject_name: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str] = mapped_column(Text)
    negative_prompt: Mapped[str] = mapped_column(Text)
    scheduler: Mapped[str] = mapped_column(String(64), index=True)
    num_inference_steps: Mapped[int]
    guidance_scale: Mapped[float]
    strength: Mapped[float]
    seed: Mapped[int] = mapped_column(BigInteger)
    loras: Mapped[str] = mapped_column(Text)
    lora_weight: Mapped[float]
    control: Mapped[str] = mapped_column(String(64))
    control_scale: Mapped[float]
    reference: Mapped[BlobHash] = mapped_column(Text)
    ip_adapter: Mapped[str] = mapped_column(Text)
    reference_scale: Mapped[float]
    background: Mapped[BlobHash] = mapped_column(Text)
    background_colour: Mapped[str] = mapped_column(Text)
    background_blur: Mapped[float]
    detail_strength: Mapped[float]
    repaint: Mapped[str] = mapped_column(String(64))
    canvas: Mapped[str] = mapped_column(Text)
    anchor: Mapped[str] = mapped_column(String(16))
    subject_scale: Mapped[float]
    mask_grow: Mapped[float]
    mask_feather: Mapped[float]
    edge_softness: Mapped[float]
    harmonisation: Mapped[float]
    light: Mapped[float]
    shadow: Mapped[float]
    ground_shadow: Mapped[float]
    guidance_end: Mapped[float]
    clip_skip: Mapped[int]
    prompt_syntax: Mapped[str] = mapped_column(String(16))
    flow_shift: Mapped[float]
    side: Mapped[int]
    model: Mapped[str] = mapped_column(Text, index=True)
    model_revision: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    model_width: Mapped[int]
    model_height: Mapped[int]
    device: Mapped[str] = mapped_column(Text)
    dtype: Mapped[str] = mapped_column(String(16))
    versions: Mapped[dict[str, str]]
    made_on: Mapped[dict[str, str]]
    seconds: Mapped[dict[str, float]]
    peak_memory_mb: Mapped[float]
    image: Mapped[BlobHash] = mapped_column(String(64), index=True)
    raw: Mapped[BlobHash] = mapped_column(String(64), index=True)
    raw_id: Mapped[RawId] = mapped_column(String(64), index=True)


class RunOwnerRow(Table):
    """Somebody who made a run: the same parameters are the same run, whoever asks for it.

    Their sweeps say who else sees it; one that is shared by itself is seen by all.
    """

    __tablename__ = "run_owners"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True, index=True)
    is_shared: Mapped[bool]


class OpinionRow(Table):
    """What one person thinks of a run."""

    __tablename__ = "opinions"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)
    rating: Mapped[int | None]
    notes: Mapped[str | None] = mapped_column(Text)


class TagRow(Table):
    """A word that somebody gave a run."""

    __tablename__ = "tags"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)


class MetricRow(Table):
    """One measured property of a run; where there is no value, the reason says why."""

    __tablename__ = "run_metrics"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    value: Mapped[float | None]
    reason: Mapped[str] = mapped_column(Text)
    version: Mapped[int]


class EarlyValueRow(Table):
    """What a run's preview said of a metric, and what became of it; see `EarlyValue`."""

    __tablename__ = "early_values"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    steps: Mapped[int]
    sweep_id: Mapped[SweepId] = mapped_column(String(64), index=True)
    foreseen: Mapped[float]
    final: Mapped[float]


class PictureVectorRow(Table):
    """Where a run's picture lies in the space of a CLIP model; see `PictureVectors`."""

    __tablename__ = "picture_vectors"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    picture: Mapped[BlobHash] = mapped_column(String(64))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class CopyRow(Table):
    """A run that has been copied to another place, such as an MLflow server, as it is now."""

    __tablename__ = "run_copies"

    run_id: Mapped[RunId] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(String(200), primary_key=True)


class VoteRow(Table):
    """One blind vote between two runs of a sweep; `winner` is "a", "b" or "tie", `drawn` why it was these two."""

    __tablename__ = "votes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), index=True)
    voter: Mapped[VisitorId] = mapped_column(String(64))
    run_a: Mapped[RunId] = mapped_column(String(64))
    run_b: Mapped[RunId] = mapped_column(String(64))
    winner: Mapped[str] = mapped_column(String(8))
    drawn: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime]


class DecisionRow(Table):
    """A sweep's question and decision; see `SweepDecision`."""

    __tablename__ = "sweep_decisions"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    question: Mapped[str] = mapped_column(Text)
    decision: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[VisitorId] = mapped_column(String(64))
    decided: Mapped[datetime | None]


class RaceRow(Table):
    """A race that adds cells to a sweep; see `Race`."""

    __tablename__ = "races"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    started_from: Mapped[SweepId | None] = mapped_column(String(64))
    axis: Mapped[str] = mapped_column(String(64))
    decided_by: Mapped[str] = mapped_column(String(64))
    budget: Mapped[int]
    begun_with: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)


class RaceStepRow(Table):
    """One decision of a race; see `RaceStep`."""

    __tablename__ = "race_steps"

    sweep_id: Mapped[SweepId] = mapped_column(ForeignKey("races.sweep_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    value: Mapped[int | None]
    created: Mapped[datetime]


class ViewRow(Table):
    """A view of the compare page that somebody named: the parameters of its address."""

    __tablename__ = "saved_views"

    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    created: Mapped[datetime]
    query: Mapped[dict[str, Any]]
    sharing: Mapped[str] = mapped_column(String(16))


class ReferenceOwnerRow(Table):
    """Somebody who gave a reference picture: they see it before any sweep names it."""

    __tablename__ = "reference_owners"

    picture: Mapped[BlobHash] = mapped_column(String(64), primary_key=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)


class RemovalRow(Table):
    """A picture that is being removed, or was: whoever writes a row that needs it puts it again; see `removals`."""

    __tablename__ = "picture_removals"

    picture: Mapped[BlobHash] = mapped_column(String(64), primary_key=True)
    removal: Mapped[str] = mapped_column(String(16), index=True)
    began: Mapped[datetime] = mapped_column(index=True)
    is_done: Mapped[bool]


class VisitorRow(Table):
    """The name under which others read who somebody is."""

    __tablename__ = "visitors"

    id: Mapped[VisitorId] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class TokenRow(Table):
    """A token by which a person's scripts are let in; `digest` is the SHA-256 of its text, which is kept nowhere."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    owner: Mapped[VisitorId] = mapped_column(String(64), index=True)
    owner_name: Mapped[str] = mapped_column(Text)
    known_as: Mapped[dict[str, Any]]
    role: Mapped[str] = mapped_column(String(16))
    made_under: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime]
    last_used: Mapped[datetime | None]
    until: Mapped[datetime | None]


class ContentRow(Table):
    """The one row whose mark is another one after every change of what the store keeps; see `Database.writing`."""

    __tablename__ = "content_revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[str] = mapped_column(String(32))


class WorkerRow(Table):
    """A process that shares the store's work, and how it is; see `WorkerRecord`.

    What it holds is its own until `until`. Like all points in time of the tables below, that is in seconds since 1970
    by the database's clock.
    """

    __tablename__ = "workers"

    id: Mapped[WorkerId] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    process_start: Mapped[float]
    state: Mapped[str] = mapped_column(String(16))
    device_kind: Mapped[str] = mapped_column(String(32))
    device_name: Mapped[str] = mapped_column(Text)
    dtype_name: Mapped[str] = mapped_column(String(32))
    sweep_id: Mapped[SweepId] = mapped_column(String(64))
    trouble: Mapped[str] = mapped_column(Text)
    signs: Mapped[int] = mapped_column(BigInteger)
    terms: Mapped[dict[str, str]]
    counts: Mapped[dict[str, float]]
    began: Mapped[float]
    beat: Mapped[float]
    until: Mapped[float]


class LeaseRow(Table):
    """Something that a worker holds, such as a sweep or a raw picture that it paints, for as long as it beats.

    `epoch` rises with each new holder that takes it from one that was lost.
    """

    __tablename__ = "leases"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    worker_id: Mapped[WorkerId] = mapped_column(ForeignKey("workers.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int] = mapped_column(BigInteger)


class ProgressRow(Table):
    """How far a worker is with a sweep, as pages show it."""

    __tablename__ = "sweep_progress"

    sweep_id: Mapped[SweepId] = mapped_column(String(64), primary_key=True)
    worker_id: Mapped[WorkerId] = mapped_column(
        ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    content: Mapped[dict[str, Any]]
    written: Mapped[float]


class LookRow(Table):
    """When somebody last looked at what is under way."""

    __tablename__ = "looks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[float]


class TuningRow(Table):
    """A measured batch size: of a model on a kind of device (`name`), for a size, by a device and its libraries."""

    __tablename__ = "tunings"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    height: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measured_by: Mapped[str] = mapped_column(String(16), primary_key=True)
    content: Mapped[dict[str, Any]]
    measured: Mapped[float]


class RepeatRow(Table):
    """A picture that somebody wants made again on a kind of GPU that others have; see `Repeats`.

    Nobody's content: whoever asked waits for it, says so in `wanted_until`, and removes the row.
    """

    __tablename__ = "repeats"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    gpu: Mapped[str] = mapped_column(Text)
    png: Mapped[BlobHash] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(Text)
    taken_by: Mapped[WorkerId] = mapped_column(String(32))
    wanted_until: Mapped[float]
    answer: Mapped[dict[str, Any] | None]
